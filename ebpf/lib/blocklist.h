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
 * The bucket, or the part of one, that a place is in: the 24 address bits a directory
 * goes by.
 */
static __always_inline const struct rv_bucket *rv_bucket_of(void *directory, __u32 half,
							    __u32 place)
{
	__u32 key = half * RV_BLOCKLIST_ROWS + (place >> 8);
	const struct rv_bucket *bucket = bpf_map_lookup_elem(directory, &key);

	if (bucket && (bucket->count & RV_BUCKET_DIVIDED)) {
		key = half * RV_BLOCKLIST_ROWS + bucket->first +
		      (place & (RV_BLOCKLIST_PARTS - 1));
		bucket = bpf_map_lookup_elem(directory, &key);
	}
	return bucket;
}

/*
 * Index of the range that holds the address; negative: none. A global function, so that
 * the verifier walks the search once and not for every kind of packet.
 */
__noinline int rv_search4(__u32 address, __u32 half)
{
	const struct rv_bucket *bucket =
		rv_bucket_of(&blocklist_dir4, half, address >> 8);
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
			return middle;
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
	const struct rv_bucket *bucket =
		rv_bucket_of(&blocklist_dir6, half, (address[0] << (skip & 63)) >> 40);
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
			return middle;
	}
	return -1;
}

/* What a range says of the addresses in it. */
struct rv_listed {
	__u32 entry; /* enum rv_range_entry */
	__u32 counter;
};

/* Whether a range holds the source of the packet. */
static __always_inline bool rv_search(const struct rv_packet *packet,
				      const struct rv_control *control, __u32 half,
				      struct rv_listed *listed)
{
	const __be32 *source = packet->source;
	const struct rv_range4 *range4;
	const struct rv_range6 *range6;
	int found;

	if (packet->family == 4) {
		found = rv_search4(bpf_ntohl(source[0]), half);
		range4 = found < 0 ? NULL : bpf_map_lookup_elem(&xdp_blocklist4, &found);
		if (!range4)
			return false;
		listed->entry = range4->entry;
		listed->counter = range4->counter;
		return true;
	}
	found = rv_search6((__u64)bpf_ntohl(source[0]) << 32 | bpf_ntohl(source[1]),
			   (__u64)bpf_ntohl(source[2]) << 32 | bpf_ntohl(source[3]), half,
			   control->address6_skip[half]);
	range6 = found < 0 ? NULL : bpf_map_lookup_elem(&xdp_blocklist6, &found);
	if (!range6)
		return false;
	listed->entry = range6->entry;
	listed->counter = range6->counter;
	return true;
}

static __always_inline const struct rv_blocklist_entry *
rv_listed_entry(const struct rv_listed *listed, __u32 half)
{
	__u32 key = half * rv_entry_half + (listed->entry & RV_RANGE_ENTRY_MASK);

	return bpf_map_lookup_elem(&blocklist_entry, &key);
}

/*
 * Whether a live entry lists the source; its hit is then counted. Expiry goes by the
 * coarse clock, so an entry may live one timer tick too long.
 */
static __always_inline bool rv_source_listed(const struct rv_packet *packet,
					     const struct rv_control *control, __u32 half,
					     __u64 packets, __u64 bytes,
					     struct rv_listed *listed)
{
	const struct rv_blocklist_entry *entry;
	struct rv_counter *hits;

	if (!rv_search(packet, control, half, listed))
		return false;
	if (listed->entry & RV_RANGE_EXPIRES) {
		entry = rv_listed_entry(listed, half);
		if (!entry || bpf_ktime_get_coarse_ns() >= entry->expires_ns)
			return false;
	}
	hits = bpf_map_lookup_elem(&blocklist_hits, &listed->counter);
	if (hits)
		rv_count(hits, packets, bytes);
	return true;
}

#endif
