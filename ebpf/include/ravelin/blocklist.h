/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_BLOCKLIST_H
#define RAVELIN_BLOCKLIST_H

#include <linux/types.h>

enum rv_blocklist_limit {
	/* Buckets of each directory half by 16 address bits. */
	RV_BLOCKLIST_BUCKETS = 65536,
	/* Parts of a crowded bucket, by the next 8 bits. */
	RV_BLOCKLIST_PARTS = 256,
	/* Buckets that can be divided into parts; the fullest are. */
	RV_BLOCKLIST_DIVIDED_MAX = 1024,
	/* Rows of each half: the buckets, then the parts of the divided ones. */
	RV_BLOCKLIST_ROWS =
		RV_BLOCKLIST_BUCKETS + RV_BLOCKLIST_PARTS * RV_BLOCKLIST_DIVIDED_MAX,
};

/*
 * rv_range.entry: index into "blocklist_entry", within the half, and whether the entry
 * must be looked at for its expiry. Most never expire, and a miss of the cache is saved.
 */
enum rv_range_entry {
	RV_RANGE_ENTRY_MASK = 0x3fffffff,
	RV_RANGE_EXPIRES = 0x40000000,
};

/*
 * Maps "blocklist_dir4" and "blocklist_dir6": array of 2 * RV_BLOCKLIST_ROWS, half h
 * starts at h * RV_BLOCKLIST_ROWS. IPv4: indexed by the top 16 address bits. IPv6: by the
 * 16 bits after the first rv_control.address6_skip[h].
 */
struct rv_bucket {
	/* First range that reaches into the bucket, within the half; divided: first row
	 * of its parts, within the half. */
	__u32 first;
	__u32 count; /* ranges that reach into the bucket, or RV_BUCKET_DIVIDED */
};

enum rv_bucket_count {
	RV_BUCKET_DIVIDED = 0x40000000,
};

/*
 * Map "xdp_blocklist4": sorted, disjoint address ranges, both ends included, host
 * order. Half h starts at h * (max_entries / 2).
 */
struct rv_range4 {
	__u32 start;
	__u32 end;
	__u32 entry; /* enum rv_range_entry */
	__u32 counter; /* rv_blocklist_entry.counter */
};

/* Map "xdp_blocklist6": the same; an address is two host-order words, high first. */
struct rv_range6 {
	__u64 start[2];
	__u64 end[2];
	__u32 entry;
	__u32 counter;
};

/* Map "blocklist_entry": array, half h starts at h * (max_entries / 2). */
struct rv_blocklist_entry {
	__u64 expires_ns; /* CLOCK_MONOTONIC; 0: never */
	__u32 counter; /* index into "blocklist_hits", stable across rebuilds */
	__u32 list; /* number of the list, for the event */
};

#endif
