/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ddos_protection: is the source of a packet listed? */
#ifndef RAVELIN_LIB_BLOCKLIST_H
#define RAVELIN_LIB_BLOCKLIST_H

#include <bpf/bpf_endian.h>

#include <ravelin/control.h>

#include "lib/packet.h"
#include "lib/statistics.h"
#include "maps/blocklist.h"

/* Steps of a binary search over 2^24 ranges, more than any map is sized for. */
#define RV_SEARCH_STEPS 24

/*
 * Entry of the range that holds the address, within the half; negative: none. A global
 * function, so that the verifier walks the search once and not for every kind of packet.
 */
__noinline int rv_search4(__u32 address, __u32 half)
{
	__u32 key = half * RV_BLOCKLIST_BUCKETS + (address >> 16);
	const struct rv_bucket *bucket = bpf_map_lookup_elem(&blocklist_dir4, &key);
	__u32 low, high;

	if (!bucket || !bucket->count)
		return -1;
	low = half * rv_range_half + bucket->first;
	high = low + bucket->count;
	for (int i = 0; i < RV_SEARCH_STEPS && low < high; i++) {
		__u32 middle = low + (high - low) / 2;
		const struct rv_range4 *range =
			bpf_map_lookup_elem(&xdp_blocklist4, &middle);

		if (!range)
			return -1;
		if (address < range->start)
			high = middle;
		else if (address > range->end)
			low = middle + 1;
		else
			return range->entry;
	}
	return -1;
}

static __always_inline bool rv_before6(const __u64 *a, const __u64 *b)
{
	return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]);
}

/* The same for IPv6; skip: rv_control.address6_skip of the half. */
__noinline int rv_search6(__u64 high_bits, __u64 low_bits, __u32 half, __u32 skip)
{
	const __u64 address[2] = {high_bits, low_bits};
	__u32 key = half * RV_BLOCKLIST_BUCKETS + ((address[0] << (skip & 63)) >> 48);
	const struct rv_bucket *bucket = bpf_map_lookup_elem(&blocklist_dir6, &key);
	__u32 low, high;

	if (!bucket || !bucket->count)
		return -1;
	low = half * rv_range_half + bucket->first;
	high = low + bucket->count;
	for (int i = 0; i < RV_SEARCH_STEPS && low < high; i++) {
		__u32 middle = low + (high - low) / 2;
		const struct rv_range6 *range =
			bpf_map_lookup_elem(&xdp_blocklist6, &middle);

		if (!range)
			return -1;
		if (rv_before6(address, range->start))
			high = middle;
		else if (rv_before6(range->end, address))
			low = middle + 1;
		else
			return range->entry;
	}
	return -1;
}

static __always_inline int rv_search(const struct rv_packet *packet,
				     const struct rv_control *control, __u32 half)
{
	const __be32 *source = packet->source;

	if (packet->family == 4)
		return rv_search4(bpf_ntohl(source[0]), half);
	return rv_search6((__u64)bpf_ntohl(source[0]) << 32 | bpf_ntohl(source[1]),
			  (__u64)bpf_ntohl(source[2]) << 32 | bpf_ntohl(source[3]), half,
			  control->address6_skip[half]);
}

/*
 * The live entry that lists the source, its hit counted; NULL: not listed, or expired.
 * Expiry goes by the coarse clock, so an entry may live one timer tick too long.
 */
static __always_inline const struct rv_blocklist_entry *
rv_source_listed(const struct rv_packet *packet, const struct rv_control *control,
		 __u64 switches, __u64 packets, __u64 bytes)
{
	__u32 half = !!(switches & RV_SWITCH_ADDRESS_HALF);
	int found = rv_search(packet, control, half);
	const struct rv_blocklist_entry *entry;
	struct rv_counter *hits;
	__u32 key;

	if (found < 0)
		return NULL;
	key = half * rv_entry_half + found;
	entry = bpf_map_lookup_elem(&blocklist_entry, &key);
	if (!entry)
		return NULL;
	if (entry->expires_ns && bpf_ktime_get_coarse_ns() >= entry->expires_ns)
		return NULL;
	key = entry->counter;
	hits = bpf_map_lookup_elem(&blocklist_hits, &key);
	if (hits)
		rv_count(hits, packets, bytes);
	return entry;
}

#endif
