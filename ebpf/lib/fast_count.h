/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is counted of a packet the kernel does not see, all that it and tc would have. */
#ifndef RAVELIN_LIB_FAST_COUNT_H
#define RAVELIN_LIB_FAST_COUNT_H

#include "lib/control.h"
#include "lib/fast_path.h"
#include "lib/flow.h"
#include "lib/statistics.h"
#include "maps/policy.h"

/* A packet that will have been forwarded. */
struct rv_fast_sent {
	__u64 switches;
	__u64 now;
	__u32 ingress;
	__u32 bytes; /* of the frame, as it came */
	/* Of its IP packet: short frames are padded, and nobody sent that. */
	__u32 length;
	__u32 row; /* enum rv_protocol */
};

/* On its flow and its rule. Packets of one direction may come in on two CPUs. */
static __always_inline void rv_fast_count_flow(const struct rv_fast_sent *sent,
					       struct rv_fast_counts *counts,
					       __u32 counter)
{
	struct rv_counter *hits;

	__sync_fetch_and_add(&counts->packets, 1);
	__sync_fetch_and_add(&counts->bytes, sent->length);
	counts->last_seen_ns = sent->now;
	if (!counter)
		return;
	hits = bpf_map_lookup_elem(&rule_hits, &counter);
	if (hits)
		/* Rules count frames without tags. */
		rv_count(hits, 1, sizeof(struct ethhdr) + sent->length);
}

static __always_inline void rv_fast_count_at(const struct rv_fast_sent *sent, __u32 slot,
					     enum rv_direction direction, __u32 column,
					     __u32 bytes)
{
	rv_statistics_add(slot, direction, sent->row, column, 1, bytes);
}

/* Where a VLAN has programs of its own, tc counts there too, without the tag. */
static __always_inline void rv_fast_count_vlan(const struct rv_fast_sent *sent,
					       __u32 vlan, enum rv_direction direction,
					       __u32 untagged)
{
	struct rv_zone zone = {};

	if (vlan)
		zone = rv_zone_of(vlan);
	if (zone.slot)
		rv_fast_count_at(sent, zone.slot, direction, RV_COLUMN_FORWARDED_VLAN,
				 untagged);
}

/* On the interfaces. */
static __always_inline void rv_fast_count_interfaces(const struct rv_fast_sent *sent,
						     const struct rv_fast_way *way)
{
	const __u32 tag = sizeof(struct rv_vlan_tag);
	__u32 untagged = sent->bytes - (way->path.ingress_tag ? tag : 0);
	struct rv_zone zone;

	if (!(sent->switches & RV_SWITCH_STATISTICS))
		return;
	zone = rv_zone_of(sent->ingress);
	rv_fast_count_at(sent, zone.slot, RV_DIRECTION_INGRESS, RV_REASON_FORWARDED,
			 sent->bytes);
	zone = rv_zone_of(way->path.egress);
	/* Slot 0: no program of ours would see what leaves there. */
	if (zone.slot)
		rv_fast_count_at(sent, zone.slot, RV_DIRECTION_EGRESS,
				 RV_REASON_FORWARDED,
				 untagged + (way->path.egress_tag ? tag : 0));
	rv_fast_count_vlan(sent, way->ingress_vlan, RV_DIRECTION_INGRESS, untagged);
	rv_fast_count_vlan(sent, way->egress_vlan, RV_DIRECTION_EGRESS, untagged);
}

/*
 * A packet the fast path could have forwarded, had its connection been in the cache.
 * Hits are counted with the statistics, so misses are only while those are.
 */
static __always_inline void rv_fast_count_miss(__u64 switches)
{
	const struct rv_fast_control *control = rv_fast_control_get();
	__u64 *misses;
	__u32 key = 0;

	if (!(switches & RV_SWITCH_STATISTICS) || !control ||
	    bpf_ktime_get_coarse_ns() >=
		    *(const volatile __u64 *)&control->alive_until_ns)
		return;
	misses = bpf_map_lookup_elem(&fast_misses, &key);
	if (misses)
		++*misses;
}

/* On the entry of flow_monitoring, at a VLAN too where that has programs. */
static __always_inline void rv_fast_monitor(struct rv_packet *packet, __u32 ingress,
					    __u32 vlan, __u32 bytes, __u32 tcp_flags)
{
	packet->tcp_flags = tcp_flags;
	rv_flow_account(packet, ingress, 1, bytes);
	if (vlan && rv_zone_of(vlan).slot)
		rv_flow_account(packet, vlan, 1, bytes - sizeof(struct rv_vlan_tag));
}

/* Global functions for their stack. */
__noinline int rv_fast_monitor4(__u32 slot, __u32 ingress, __u32 vlan, __u32 bytes,
				__u32 tcp_flags)
{
	const struct rv_fast_flow4 *flow = bpf_map_lookup_elem(&fast_flow4, &slot);
	struct rv_packet packet = {.family = 4};

	if (!flow)
		return -1;
	packet.protocol = flow->protocol;
	packet.source[0] = flow->key.source;
	packet.destination[0] = flow->key.destination;
	packet.source_port = flow->key.source_port;
	packet.destination_port = flow->key.destination_port;
	rv_fast_monitor(&packet, ingress, vlan, bytes, tcp_flags);
	return 0;
}

__noinline int rv_fast_monitor6(__u32 slot, __u32 ingress, __u32 vlan, __u32 bytes,
				__u32 tcp_flags)
{
	const struct rv_fast_flow6 *flow = bpf_map_lookup_elem(&fast_flow6, &slot);
	struct rv_packet packet = {.family = 6};

	if (!flow)
		return -1;
	packet.protocol = flow->protocol;
	__builtin_memcpy(packet.source, rv_words(flow->key.source), 16);
	__builtin_memcpy(packet.destination, rv_words(flow->key.destination), 16);
	packet.source_port = flow->key.source_port;
	packet.destination_port = flow->key.destination_port;
	rv_fast_monitor(&packet, ingress, vlan, bytes, tcp_flags);
	return 0;
}

#endif
