/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading images; layout: ravelin/image.h. */
#ifndef RAVELIN_LIB_IMAGE_H
#define RAVELIN_LIB_IMAGE_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/image.h>

#include "lib/bound.h"

/* The page of an image that has the slot, or NULL. */
static __always_inline const struct rv_image_page *rv_image_page(void *image, __u32 slot)
{
	__u32 page = slot / RV_IMAGE_PAGE_SLOTS;

	return bpf_map_lookup_elem(image, &page);
}

/* What lies in the page at the slot and takes so many slots, a power of two. */
static __always_inline const void *rv_image_at(const struct rv_image_page *page,
					       __u32 slot, __u32 slots)
{
	return &page->words[2 * rv_bound(slot, RV_IMAGE_PAGE_SLOTS - slots)];
}

#endif
