/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_LIB_FLOW_H
#define RAVELIN_LIB_FLOW_H

#include "lib/packet.h"
#include "maps/flow.h"

/*
 * Packets of one direction come in on one CPU as a rule, but not by law: sums are atomic.
 * A flag lost to a race comes again or does not matter.
 */
static __always_inline void rv_flow_add(struct rv_flow *flow, const struct rv_flow *seen)
{
	__sync_fetch_and_add(&flow->packets, seen->packets);
	__sync_fetch_and_add(&flow->bytes, seen->bytes);
	flow->last_seen_ns = seen->last_seen_ns;
	if (seen->tcp_flags & ~flow->tcp_flags)
		flow->tcp_flags |= seen->tcp_flags;
}

static __always_inline void rv_flow_record(void *map, const void *key,
					   const struct rv_flow *seen)
{
	struct rv_flow *flow = bpf_map_lookup_elem(map, key);

	if (!flow) {
		if (!bpf_map_update_elem(map, key, seen, BPF_NOEXIST))
			return;
		/* Another CPU was first, or the map is out of nodes for a moment. */
		flow = bpf_map_lookup_elem(map, key);
		if (!flow)
			return;
	}
	rv_flow_add(flow, seen);
}

/*
 * Counts a packet that goes on. ifindex: where it came in, 0: sent by this box. A global
 * function for its stack.
 */
__noinline int rv_flow_account(const struct rv_packet *packet, __u32 ifindex,
			       __u64 packets, __u64 bytes)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct rv_flow seen = {
		.packets = packets,
		.bytes = bytes,
		.first_seen_ns = now,
		.last_seen_ns = now,
	};

	if (!packet)
		return -1;
	seen.tcp_flags = packet->tcp_flags;
	if (packet->family == 4) {
		struct rv_flow_key4 key = {
			.source = packet->source[0],
			.destination = packet->destination[0],
			.source_port = packet->source_port,
			.destination_port = packet->destination_port,
			.ifindex = ifindex,
			.protocol = packet->protocol,
		};

		rv_flow_record(&flow_map4, &key, &seen);
	} else {
		struct rv_flow_key6 key = {
			.source_port = packet->source_port,
			.destination_port = packet->destination_port,
			.ifindex = ifindex,
			.protocol = packet->protocol,
		};

		__builtin_memcpy(key.source, packet->source, sizeof(key.source));
		__builtin_memcpy(key.destination, packet->destination,
				 sizeof(key.destination));
		rv_flow_record(&flow_map6, &key, &seen);
	}
	return 0;
}

#endif
