/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Learning the way of a flow from one of its packets, as the kernel would send it: routes
 * both ways, the neighbour, the interface to send by.
 */
#ifndef RAVELIN_LIB_FAST_LEARN_H
#define RAVELIN_LIB_FAST_LEARN_H

#include "lib/blocklist.h"
#include "lib/control.h"
#include "lib/fast_checksum.h"
#include "lib/fast_path.h"
#include "lib/fib.h"

/* ifindex of the interface the packet came in by, for the kernel; 0: there is none. */
static __always_inline __u32 rv_fast_arrival(__u32 device, __u16 tag)
{
	struct rv_vlan_key key = {.device = device, .tag = tag};
	const __u32 *vlan;

	if (!tag)
		return device;
	vlan = bpf_map_lookup_elem(&vlans, &key);
	return vlan ? *vlan : 0;
}

/* Asks for the route forth and what it says of the way. */
static __always_inline enum rv_fast_refusal
rv_fast_ask_forth(struct xdp_md *ctx, struct bpf_fib_lookup *fib, struct rv_fast_way *way)
{
	const struct rv_port *port;
	__u32 ifindex;

	switch (bpf_fib_lookup(ctx, fib, sizeof(*fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return RV_FAST_NO_NEIGHBOUR;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return RV_FAST_LOCAL;
	default:
		return RV_FAST_NO_ROUTE;
	}
	ifindex = fib->ifindex;
	port = bpf_map_lookup_elem(&ports, &ifindex);
	if (!port || !(port->flags & RV_PORT_REDIRECT))
		return RV_FAST_PORT;
	way->path.egress = port->device;
	way->path.egress_tag = port->tag;
	way->path.mtu = fib->mtu_result;
	__builtin_memcpy(way->path.destination_mac, fib->dmac, ETH_ALEN);
	__builtin_memcpy(way->path.source_mac, fib->smac, ETH_ALEN);
	/* One with a number too large for us has no row in the statistics. */
	if (port->tag && ifindex < RV_ZONE_IFINDEX_LIMIT)
		way->egress_vlan = ifindex;
	return RV_FAST_FITS;
}

/* Asks for the route back: it must leave by where the packet came in. */
static __always_inline enum rv_fast_refusal rv_fast_ask_back(struct xdp_md *ctx,
							     struct bpf_fib_lookup *fib,
							     __u32 arrival,
							     struct rv_fast_way *way)
{
	long result = bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);

	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return RV_FAST_ASYMMETRIC;
	if (fib->ifindex != arrival)
		return RV_FAST_ASYMMETRIC;
	if (result == BPF_FIB_LKUP_RET_NO_NEIGH)
		return RV_FAST_NO_NEIGHBOUR;
	__builtin_memcpy(way->own_mac, fib->smac, ETH_ALEN);
	return RV_FAST_FITS;
}

/* Whether frames of the interface may lack their checksum. */
static __always_inline bool rv_fast_verifies(__u32 ifindex)
{
	const struct rv_port *port = bpf_map_lookup_elem(&ports, &ifindex);

	return !port || (port->flags & RV_PORT_VERIFY_CHECKSUM);
}

static __always_inline bool rv_fast_judges_sources(__u64 switches, __u32 ifindex)
{
	if (!(switches & RV_SWITCH_DDOS_PROTECTION))
		return false;
	return !(switches & RV_SWITCH_DDOS_EXTERNAL_ONLY) ||
	       (rv_zone_of(ifindex).flags & RV_ZONE_EXTERNAL);
}

/*
 * Begins a way. False: nothing is to be learned from the packet. It came in by no
 * interface of ours, or another way than the flow is known to come, to which it may only
 * pretend to belong.
 */
static __always_inline bool rv_fast_way_begin(struct xdp_md *ctx,
					      const struct rv_fast_view *view,
					      const struct rv_fast_headers *headers,
					      const struct rv_fast_path *path,
					      const struct rv_fast_rest *rest,
					      struct rv_fast_way *way, __u32 *arrival)
{
	const struct rv_fast_control *control = rv_fast_control_get();
	__u32 device = ctx->ingress_ifindex;

	*arrival = rv_fast_arrival(device, view->tag);
	if (!control || !*arrival)
		return false;
	if (rv_fast_way_read(way, path, rest, rv_fast_generation(&control->generation)) &&
	    way->path.refusal == RV_FAST_FITS &&
	    !rv_fast_came_the_way(way, view, headers, device))
		return false;
	*way = (struct rv_fast_way){
		.path.generation = rv_fast_generation(&control->generation),
		.path.ingress = device,
		.path.ingress_tag = view->tag,
	};
	if (view->tag && *arrival < RV_ZONE_IFINDEX_LIMIT)
		way->ingress_vlan = *arrival;
	return true;
}

/* Ends it. False: the frame is for another host, nothing is to be learned from it. */
static __always_inline bool rv_fast_way_end(const struct rv_fast_view *view,
					    const struct rv_fast_headers *headers,
					    enum rv_fast_refusal refusal,
					    struct rv_fast_way *way)
{
	if (refusal == RV_FAST_FITS &&
	    !rv_fast_came_the_way(way, view, headers, way->path.ingress))
		return false;
	way->path.refusal = refusal;
	/* The kernel is about to ask for the neighbour: the next packet tries again. */
	if (refusal == RV_FAST_NO_NEIGHBOUR)
		way->path.generation = 0;
	return true;
}

static __always_inline enum rv_fast_refusal
rv_fast_routes4(struct xdp_md *ctx, const struct rv_fast_view *view,
		const struct rv_fast_flow4 *flow, __u8 tos, __u32 arrival,
		struct rv_fast_way *way)
{
	struct bpf_fib_lookup fib = {
		.family = RV_AF_INET,
		.ifindex = arrival,
		.tos = tos,
		.l4_protocol = view->protocol,
		.sport = flow->key.source_port,
		.dport = flow->translated.destination_port,
		.ipv4_src = flow->key.source,
		.ipv4_dst = flow->translated.destination,
	};
	enum rv_fast_refusal refusal = rv_fast_ask_forth(ctx, &fib, way);

	if (refusal != RV_FAST_FITS)
		return refusal;
	fib = (struct bpf_fib_lookup){
		.family = RV_AF_INET,
		.ifindex = fib.ifindex,
		.tos = tos,
		.l4_protocol = view->protocol,
		.sport = flow->translated.destination_port,
		.dport = flow->key.source_port,
		.ipv4_src = flow->translated.destination,
		.ipv4_dst = flow->key.source,
	};
	return rv_fast_ask_back(ctx, &fib, arrival, way);
}

static __always_inline enum rv_fast_refusal
rv_fast_routes6(struct xdp_md *ctx, const struct rv_fast_view *view,
		const struct rv_fast_flow6 *flow, __be32 flow_info, __u32 arrival,
		struct rv_fast_way *way)
{
	struct bpf_fib_lookup fib = {
		.family = RV_AF_INET6,
		.ifindex = arrival,
		.flowinfo = flow_info,
		.l4_protocol = view->protocol,
		.sport = flow->key.source_port,
		.dport = flow->translated.destination_port,
	};
	enum rv_fast_refusal refusal;

	__builtin_memcpy(fib.ipv6_src, rv_words(flow->key.source), 16);
	__builtin_memcpy(fib.ipv6_dst, rv_words(flow->translated.destination), 16);
	refusal = rv_fast_ask_forth(ctx, &fib, way);
	if (refusal != RV_FAST_FITS)
		return refusal;
	fib = (struct bpf_fib_lookup){
		.family = RV_AF_INET6,
		.ifindex = fib.ifindex,
		.l4_protocol = view->protocol,
		.sport = flow->translated.destination_port,
		.dport = flow->key.source_port,
	};
	__builtin_memcpy(fib.ipv6_src, rv_words(flow->translated.destination), 16);
	__builtin_memcpy(fib.ipv6_dst, rv_words(flow->key.source), 16);
	return rv_fast_ask_back(ctx, &fib, arrival, way);
}

/*
 * Learns the way of the flow in the slot from its packet, which goes up, so conntrack
 * hears of it too. Negative: the packet teaches nothing. Global: the verifier walks it
 * once, and it has much on its stack.
 */
__noinline int rv_fast_learn4(struct xdp_md *ctx, __u32 link, __u32 slot, __u64 switches)
{
	struct rv_fast_flow4 *flow = bpf_map_lookup_elem(&fast_flow4, &slot);
	__u32 half = !!(switches & RV_SWITCH_ADDRESS_HALF), arrival;
	enum rv_fast_refusal refusal;
	struct rv_fast_headers headers;
	struct rv_fast_view view;
	struct rv_fast_way way;
	const struct iphdr *ip;

	if (!flow || !rv_fast_view4(ctx, link, &view) ||
	    !rv_fast_headers(ctx, &view, sizeof(*ip), &headers) ||
	    !rv_fast_way_begin(ctx, &view, &headers, &flow->path, &flow->rest, &way,
			       &arrival))
		return -1;
	ip = headers.network;
	if (rv_fast_judges_sources(switches, way.path.ingress) &&
	    rv_blocklist_find4(half, bpf_ntohl(ip->saddr)))
		refusal = RV_FAST_SOURCE_LISTED;
	else if (rv_fast_verifies(way.path.ingress) &&
		 !rv_fast_checksum_right(ctx, &view, &headers, rv_words(&ip->saddr), 2))
		refusal = RV_FAST_CHECKSUM;
	else
		refusal = rv_fast_routes4(ctx, &view, flow, ip->tos, arrival, &way);
	if (!rv_fast_way_end(&view, &headers, refusal, &way))
		return -1;
	rv_fast_way_write(&way, &flow->path, &flow->rest);
	flow->counts.refreshed_ns = bpf_ktime_get_coarse_ns();
	return 0;
}

__noinline int rv_fast_learn6(struct xdp_md *ctx, __u32 link, __u32 slot, __u64 switches)
{
	struct rv_fast_flow6 *flow = bpf_map_lookup_elem(&fast_flow6, &slot);
	__u32 half = !!(switches & RV_SWITCH_ADDRESS_HALF), arrival;
	enum rv_fast_refusal refusal;
	struct rv_fast_headers headers;
	struct rv_fast_view view;
	struct rv_fast_way way;
	const struct ipv6hdr *ip;
	const __be32 *source;
	__be32 flow_info;

	if (!flow || !rv_fast_view6(ctx, link, &view) ||
	    !rv_fast_headers(ctx, &view, sizeof(*ip), &headers) ||
	    !rv_fast_way_begin(ctx, &view, &headers, &flow->path, &flow->rest, &way,
			       &arrival))
		return -1;
	ip = headers.network;
	flow_info = *(const __be32 *)ip & bpf_htonl(RV_IP6_FLOW_INFO);
	source = rv_words(&ip->saddr);
	if (rv_fast_judges_sources(switches, way.path.ingress) &&
	    rv_blocklist_find6(half,
			       (__u64)bpf_ntohl(source[0]) << 32 | bpf_ntohl(source[1]),
			       (__u64)bpf_ntohl(source[2]) << 32 | bpf_ntohl(source[3])))
		refusal = RV_FAST_SOURCE_LISTED;
	else if (rv_fast_verifies(way.path.ingress) &&
		 !rv_fast_checksum_right(ctx, &view, &headers, source, 8))
		refusal = RV_FAST_CHECKSUM;
	else
		refusal = rv_fast_routes6(ctx, &view, flow, flow_info, arrival, &way);
	if (!rv_fast_way_end(&view, &headers, refusal, &way))
		return -1;
	rv_fast_way_write(&way, &flow->path, &flow->rest);
	flow->counts.refreshed_ns = bpf_ktime_get_coarse_ns();
	return 0;
}

#endif
