/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading images; layout: ravelin/image.h. */
#ifndef RAVELIN_LIB_IMAGE_H
#define RAVELIN_LIB_IMAGE_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/image.h>

#include "lib/bound.h"

/* The page of an image that has the slot, or NULL. pages: the map in a row. */
static __always_inline const struct rv_image_page *rv_image_page(void *pages, __u32 slot)
{
	__u32 page = slot / RV_IMAGE_PAGE_SLOTS;

	return bpf_map_lookup_elem(pages, &page);
}

/*
 * What lies at the slot in the page that has it: a power of two of slots, at a multiple
 * of that, or a header at slot 0.
 */
static __always_inline const void *rv_page_at(const struct rv_image_page *page,
					      __u32 slot, __u32 bytes)
{
	const __u32 slots = (bytes + RV_IMAGE_SLOT_BYTES - 1) / RV_IMAGE_SLOT_BYTES;

	return (const char *)page +
	       rv_bound(slot, RV_IMAGE_PAGE_SLOTS - slots) * RV_IMAGE_SLOT_BYTES;
}

/* What lies at the slot, of so many bytes, or NULL. */
static __always_inline const void *rv_image_at(void *pages, __u32 slot, __u32 bytes)
{
	const struct rv_image_page *page = rv_image_page(pages, slot);

	return page ? rv_page_at(page, slot, bytes) : NULL;
}

#endif
