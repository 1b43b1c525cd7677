/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The image of map "xdp_blocklist": an address index (ravelin/index.h) whose values and
 * details are these.
 */
#ifndef RAVELIN_BLOCKLIST_H
#define RAVELIN_BLOCKLIST_H

#include <linux/types.h>

/*
 * A value says all a drop needs, so that it misses the cache for nothing else. Most
 * entries never expire.
 */
enum rv_blocklist_value {
	/* Row of "blocklist_hits", and number of the rv_blocklist_entry. */
	RV_LISTED_COUNTER = 0x3fffffff,
	/* In every value: a row may be 0. */
	RV_LISTED = 0x40000000,
	/* The rv_blocklist_entry must be looked at. */
	RV_LISTED_EXPIRES = 0x80000000,
};

/* One slot. Its number stays with the entry across rebuilds. */
struct rv_blocklist_entry {
	__u64 expires_ns; /* CLOCK_MONOTONIC; 0: never */
	__u32 list; /* number of the list, for the event */
	__u32 pad;
};

#endif
