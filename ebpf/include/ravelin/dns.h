/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_DNS_H
#define RAVELIN_DNS_H

#include <linux/types.h>

enum rv_name_limit {
	RV_NAME_SLOTS = 8,
	/* Longest name on the wire, root label included (RFC 1035 section 3.1). */
	RV_NAME_MAX = 255,
	RV_NAME_LABELS_MAX = 127,
	/* List sets, rows of "dns_hits". */
	RV_NAME_SETS = 8192,
};

/* The low 16 bits of a slot; the high 48 are the tag. Neither match bit: empty. */
enum rv_name_meta {
	RV_NAME_SET_MASK = 0x1fff,
	/* In slot 7 only: some name of this bucket lives in its second bucket. */
	RV_NAME_OVERFLOWED = 0x2000,
	/* Matches names below the listed one. */
	RV_NAME_MATCH_BELOW = 0x4000,
	/* Matches the listed name itself. */
	RV_NAME_MATCH_SELF = 0x8000,
};

/*
 * Map "dns_blocklist": array of buckets, half h starts at h * (max_entries / 2). Which
 * bucket and tag a name has: ebpf/lib/name_hash.h and appliance/compile/src/name_hash.rs.
 */
struct rv_name_bucket {
	__u64 slot[RV_NAME_SLOTS];
};

#endif
