/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The address index: an image (ravelin/image.h) that maps an address to a value. Made by
 * appliance/compile, read by ebpf/lib/index.h.
 *
 * A directory is indexed by some bits of the address and leads to the few sorted rows
 * that reach into its bucket, or to a directory by later bits where they are many. Bits
 * that all rows of a bucket share are skipped and not looked at: the rows are compared
 * whole, so an address with other bits there meets rows that do not hold it.
 */
#ifndef RAVELIN_INDEX_H
#define RAVELIN_INDEX_H

#include <linux/types.h>

enum rv_index_limit {
	/* Directories behind each other; the last leads to rows, however many. */
	RV_INDEX_DEPTH = 8,
	/* Bits a directory goes by, at most. */
	RV_INDEX_BITS = 20,
	/* Steps of a binary search over as many rows as there can be. */
	RV_INDEX_STEPS = 26,
};

/* Entry of a directory; half a slot. */
struct rv_index_entry {
	__u32 first; /* slot of the first row, or of the directory */
	__u32 next; /* number of rows, or enum rv_index_next */
};

enum rv_index_next {
	RV_INDEX_DIRECTORY = 0x80000000,
	/* Leading bits that are skipped. */
	RV_INDEX_SKIP_SHIFT = 8,
	RV_INDEX_SKIP_MASK = 127,
	/* Bits the directory goes by; it has 1 << bits entries. */
	RV_INDEX_BITS_MASK = 31,
};

/* Row of IPv4: both ends included, host order. One slot. */
struct rv_index_row4 {
	__u32 start;
	__u32 end;
	__u32 value;
	__u32 pad;
};

/*
 * Row of IPv6, two slots. An address is two host-order words, high first. A row holds
 * addresses with one high word, or all addresses of some high words: a range is at most
 * three rows.
 */
struct rv_index_row6 {
	__u64 start[2];
	__u64 end; /* low word of the last address; whole: high word */
	__u32 value;
	__u32 whole; /* 1: any low word, and start[1] is 0 */
};

/* Slot 0 of the image. */
struct rv_index_header {
	struct rv_index_entry root[2]; /* IPv4, IPv6 */
	/* What belongs to the values: the user of the index says what and where. */
	__u32 details;
	__u32 pad[3];
};

#endif
