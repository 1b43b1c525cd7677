/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The address index: an image (ravelin/image.h) that maps an address to a value. Made by
 * appliance/compile, read by ebpf/lib/index.h.
 *
 * A directory is indexed by some bits of the address. Each of its buckets has the few
 * rows that reach into it side by side, so that most lookups miss the cache once, or a
 * link to a directory by later bits where they are more. Bits that all rows of a bucket
 * share are skipped and not looked at: rows are compared whole, so an address with other
 * bits there meets rows that do not hold it.
 */
#ifndef RAVELIN_INDEX_H
#define RAVELIN_INDEX_H

#include <linux/types.h>

enum rv_index_limit {
	/* Rows of a bucket, in any order; its size is a power of two, and it lies at a
	 * multiple of it. Rows of value 0 are empty. */
	RV_INDEX_BUCKET_ROWS = 4,
	/* Directories behind each other; the last may link to sorted rows, however many.
	 */
	RV_INDEX_DEPTH = 8,
	/* Bits a directory goes by: 1 .. this. */
	RV_INDEX_BITS = 20,
	/* Steps of a binary search over as many rows as there can be. */
	RV_INDEX_STEPS = 26,
};

/* What is behind a link. */
struct rv_index_link {
	__u32 first; /* slot of the first bucket or row */
	__u32 next; /* number of sorted rows, or enum rv_index_next */
};

enum rv_index_next {
	RV_INDEX_DIRECTORY = 0x80000000,
	/* Leading bits that are skipped. */
	RV_INDEX_SKIP_SHIFT = 8,
	RV_INDEX_SKIP_MASK = 127,
	/* Bits the directory goes by; it has 1 << bits buckets. */
	RV_INDEX_BITS_MASK = 31,
};

/* Row of IPv4, host order. One slot. */
struct rv_index_row4 {
	__u32 start;
	__u32 length; /* last address - start */
	__u32 value;
	/* Not 0, in the first row of a bucket: there is no row but a link, its first in
	 * start and its next in length. */
	__u32 link;
};

enum rv_index_kind {
	/* Any low word; the high word is in the range. */
	RV_INDEX_WHOLE = 0,
	/* One high word; the low word is in the range. */
	RV_INDEX_PART = 1,
	/* As rv_index_row4.link. */
	RV_INDEX_LINK = 2,
};

/*
 * Row of IPv6, two slots. An address is two host-order words. A range of addresses is at
 * most three rows.
 */
struct rv_index_row6 {
	__u64 high; /* RV_INDEX_PART: the high word */
	__u64 start; /* of the range of the other word */
	__u64 length; /* last - start */
	__u32 value;
	__u32 kind; /* enum rv_index_kind */
};

/* Slot 0 of the image. */
struct rv_index_header {
	struct rv_index_link root[2]; /* IPv4, IPv6 */
	/* What belongs to the values: the user of the index says what and where. */
	__u32 details;
	__u32 pad[3];
};

#endif
