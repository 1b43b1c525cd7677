/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ddos_protection: is the source of a packet listed? */
#ifndef RAVELIN_LIB_BLOCKLIST_H
#define RAVELIN_LIB_BLOCKLIST_H

#include <bpf/bpf_endian.h>

#include "lib/index.h"
#include "lib/packet.h"
#include "lib/statistics.h"
#include "maps/blocklist.h"

/*
 * enum rv_blocklist_value of an address; 0: not listed. Global functions, so that the
 * verifier walks the search once and not for every kind of packet.
 */
__noinline __u32 rv_blocklist_find4(__u32 row, __u32 address)
{
	return rv_index_find4(&xdp_blocklist, row, address);
}

__noinline __u32 rv_blocklist_find6(__u32 row, __u64 high_word, __u64 low_word)
{
	return rv_index_find6(&xdp_blocklist, row, high_word, low_word);
}

static __always_inline __u32 rv_blocklist_find(const struct rv_packet *packet, __u32 row)
{
	const __be32 *source = packet->source;

	if (packet->family == 4)
		return rv_blocklist_find4(row, bpf_ntohl(source[0]));
	return rv_blocklist_find6(
		row, (__u64)bpf_ntohl(source[0]) << 32 | bpf_ntohl(source[1]),
		(__u64)bpf_ntohl(source[2]) << 32 | bpf_ntohl(source[3]));
}

/* The entry of a value, in the same image. */
static __always_inline const struct rv_blocklist_entry *rv_listed_entry(__u32 row,
									__u32 value)
{
	void *pages = bpf_map_lookup_elem(&xdp_blocklist, &row);
	const struct rv_index_header *header;

	if (!pages)
		return NULL;
	header = rv_image_at(pages, 0, sizeof(*header));
	if (!header)
		return NULL;
	return rv_image_at(pages, header->details + (value & RV_LISTED_COUNTER),
			   sizeof(struct rv_blocklist_entry));
}

/*
 * enum rv_blocklist_value of the live entry that lists the source; its hit is then
 * counted. 0: there is none. Expiry goes by the coarse clock, so an entry may live one
 * timer tick too long.
 */
static __always_inline __u32 rv_source_listed(const struct rv_packet *packet, __u32 row,
					      __u64 packets, __u64 bytes)
{
	__u32 value = rv_blocklist_find(packet, row);
	__u32 counter = value & RV_LISTED_COUNTER;
	const struct rv_blocklist_entry *entry;
	struct rv_counter *hits;

	if (!value)
		return 0;
	if (value & RV_LISTED_EXPIRES) {
		entry = rv_listed_entry(row, value);
		if (!entry || bpf_ktime_get_coarse_ns() >= entry->expires_ns)
			return 0;
	}
	hits = bpf_map_lookup_elem(&blocklist_hits, &counter);
	if (hits)
		rv_count(hits, packets, bytes);
	return value;
}

#endif
