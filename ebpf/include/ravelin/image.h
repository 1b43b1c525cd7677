/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_IMAGE_H
#define RAVELIN_IMAGE_H

#include <linux/types.h>

/*
 * An image is what a compiler of user space makes and a program only reads: one run of
 * bytes, addressed in slots of 16 bytes, held in an array map of pages. Its map is made
 * as large as the image needs and put into one of the two rows of an array of maps; a bit
 * of rv_control.switches says which row is live. Slot 0 is the image's header. No struct
 * straddles a page: its size is a power of two and it lies at a multiple of it.
 */
enum rv_image_limit {
	RV_IMAGE_SLOT_BYTES = 16,
	RV_IMAGE_PAGE_SLOTS = 4096,
	RV_IMAGE_PAGE_BYTES = RV_IMAGE_SLOT_BYTES * RV_IMAGE_PAGE_SLOTS,
};

/* Value of the inner map of every image. */
struct rv_image_page {
	__u64 words[RV_IMAGE_PAGE_BYTES / 8];
};

#endif
