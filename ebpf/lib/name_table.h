/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks the name in a query up: itself and every suffix, fewest labels first. */
#ifndef RAVELIN_LIB_NAME_TABLE_H
#define RAVELIN_LIB_NAME_TABLE_H

#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/control.h>

#include "lib/bound.h"
#include "lib/name_hash.h"
#include "maps/dns.h"

#define RV_LABEL_BYTES_MAX 63

/*
 * State of both loops lives in the scratch: of what lies in a map the verifier assumes
 * nothing, so it walks each loop body once or twice and not once per byte.
 */
struct rv_name_loop {
	struct rv_dns_scratch *scratch;
};

/* The name begins behind the fixed header of the message. */
#define RV_NAME_OFFSET 12

static long rv_scan_byte(__u32 index, struct rv_name_loop *loop)
{
	struct rv_dns_scratch *scratch = loop->scratch;
	__u8 byte = scratch->message[RV_NAME_OFFSET + rv_bound(index, RV_NAME_MAX)];

	/* Lengths are below 'A': the whole name can be folded alike. */
	if (byte >= 'A' && byte <= 'Z')
		byte += 'a' - 'A';
	scratch->name[rv_bound(index, RV_NAME_MAX)] = byte;
	if (scratch->left) {
		scratch->hash = rv_label_step(scratch->hash, byte);
		if (--scratch->left)
			return 0;
		scratch->labels[rv_bound(scratch->labels_count, RV_NAME_LABELS_MAX)] =
			rv_label_end(scratch->hash);
		scratch->labels_count++;
		return 0;
	}
	if (!byte)
		scratch->name_length = index + 1;
	/* Longer ones are compression pointers and types nobody uses. */
	if (!byte || byte > RV_LABEL_BYTES_MAX)
		return 1;
	scratch->left = byte;
	scratch->hash = scratch->key;
	return 0;
}

/*
 * Reads at most available bytes. Returns the length of the name, root label included; 0:
 * none, or one not spelled out.
 */
static __always_inline __u32 rv_name_scan(struct rv_dns_scratch *scratch, __u64 key,
					  __u32 available)
{
	struct rv_name_loop loop = {.scratch = scratch};

	scratch->key = key;
	scratch->left = 0;
	scratch->labels_count = 0;
	scratch->name_length = 0;
	__builtin_memset(scratch->name, 0, sizeof(scratch->name));
	if (available > RV_NAME_MAX)
		available = RV_NAME_MAX;
	bpf_loop(available, rv_scan_byte, &loop, 0);
	return scratch->name_length;
}

/*
 * Looks for the chain in one bucket among the slots that have a bit of wanted. Returns
 * the list set; -1: not here; -2: not here, but perhaps in its second bucket. Global for
 * the reason rv_search4() is.
 */
__noinline int rv_match_bucket(__u32 key, __u64 chain, __u32 wanted)
{
	const struct rv_name_bucket *bucket = bpf_map_lookup_elem(&dns_blocklist, &key);

	if (!bucket)
		return -1;
	for (int i = 0; i < RV_NAME_SLOTS; i++) {
		__u64 slot = bucket->slot[i];

		if (rv_same_tag(slot, chain) && (slot & wanted))
			return slot & RV_NAME_SET_MASK;
	}
	return bucket->slot[RV_NAME_SLOTS - 1] & RV_NAME_OVERFLOWED ? -2 : -1;
}

static long rv_walk_label(__u32 index, struct rv_name_loop *loop)
{
	struct rv_dns_scratch *scratch = loop->scratch;
	__u32 label = scratch->labels_count - 1 - index;
	bool whole = !label;
	__u32 wanted = whole ? RV_NAME_MATCH_SELF : RV_NAME_MATCH_BELOW;
	struct rv_name_place place;
	__u64 chain;
	int set;

	label = rv_bound(label, RV_NAME_LABELS_MAX);
	chain = rv_chain_step(scratch->chain, scratch->labels[label]);
	scratch->chain = chain;
	place = rv_name_place(chain, scratch->mask);
	set = rv_match_bucket(scratch->base + place.first, chain, wanted);
	if (set == -2)
		set = rv_match_bucket(scratch->base + place.second, chain, wanted);
	if (set < 0)
		return 0;
	scratch->hit = set * 2 + !whole + 1;
	return 1;
}

/* Row of "dns_hits" the scanned name falls under, + 1; 0: it is not listed. */
static __always_inline __u32 rv_name_lookup(struct rv_dns_scratch *scratch, __u32 half,
					    __u32 mask)
{
	struct rv_name_loop loop = {.scratch = scratch};

	scratch->chain = rv_chain_begin(scratch->key);
	scratch->base = half * rv_name_half;
	scratch->mask = mask;
	scratch->hit = 0;
	bpf_loop(scratch->labels_count, rv_walk_label, &loop, 0);
	return scratch->hit;
}

#endif
