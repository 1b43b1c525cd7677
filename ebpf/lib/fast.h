/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fast path: packets of flows in the cache leave from XDP, as the kernel would send
 * them. What does not fit goes up unchanged.
 */
#ifndef RAVELIN_LIB_FAST_H
#define RAVELIN_LIB_FAST_H

#include "lib/fast_count.h"
#include "lib/fast_learn.h"
#include "lib/fast_rewrite.h"

/* The parts of a flow that are alike in both families. */
struct rv_fast_flow {
	struct rv_fast_path *path;
	struct rv_fast_counts *counts;
	const struct rv_fast_rest *rest;
};

/* What is to be done with the packet. */
enum rv_fast_step {
	RV_FAST_FORWARD,
	RV_FAST_UP,
	/* It goes up, so that conntrack sees the connection is alive, and tells the way.
	 */
	RV_FAST_LEARN,
	/* It goes up, and the flow is no more: conntrack may have forgotten it. */
	RV_FAST_FORGET,
};

/* Whether the flow was without packets for so long. */
static __always_inline bool rv_fast_was_idle(const struct rv_fast_flow *flow, __u64 now,
					     __u64 idle)
{
	__u64 seen = flow->rest->inserted_ns;

	if (seen < flow->counts->last_seen_ns)
		seen = flow->counts->last_seen_ns;
	if (seen < flow->counts->refreshed_ns)
		seen = flow->counts->refreshed_ns;
	return now > seen && now - seen > idle;
}

/* Judges a packet of a live flow; copies its way. */
static __always_inline enum rv_fast_step
rv_fast_judge(const struct rv_fast_control *control, const struct rv_fast_view *view,
	      const struct rv_fast_headers *headers, const struct rv_fast_flow *flow,
	      const struct rv_fast_sent *sent, struct rv_fast_way *way)
{
	bool tcp = view->protocol == IPPROTO_TCP;
	__u32 generation = rv_fast_generation(&control->generation);

	if (sent->now >= *(const volatile __u64 *)&control->alive_until_ns)
		return RV_FAST_UP;
	if (sent->now - flow->counts->refreshed_ns >=
	    (tcp ? control->tcp_refresh_ns : control->udp_refresh_ns))
		return rv_fast_was_idle(flow, sent->now,
					tcp ? control->tcp_idle_ns : control->udp_idle_ns)
			       ? RV_FAST_FORGET
			       : RV_FAST_LEARN;
	if (!rv_fast_way_read(way, flow->path, flow->rest, generation))
		return RV_FAST_LEARN;
	if (way->path.refusal == RV_FAST_FITS)
		return rv_fast_came_the_way(way, view, headers, sent->ingress) &&
				       view->length <= way->path.mtu
			       ? RV_FAST_FORWARD
			       : RV_FAST_UP;
	/* What only pretends to be of the flow must not keep it out of here. */
	return way->path.ingress == sent->ingress && way->path.ingress_tag == view->tag
		       ? RV_FAST_UP
		       : RV_FAST_LEARN;
}

/* Whether a TCP packet goes on with a connection, and neither begins nor ends it. */
static __always_inline bool rv_fast_goes_on(const struct rv_fast_view *view)
{
	const __u8 flags = RV_TCP_SYN | RV_TCP_FIN | RV_TCP_RST | RV_TCP_ACK;

	return view->protocol != IPPROTO_TCP || (view->tcp_flags & flags) == RV_TCP_ACK;
}

/* dns_blocklist is to see what goes to port 53. */
static __always_inline bool rv_fast_is_dns(const struct rv_fast_headers *headers,
					   __u64 switches)
{
	return (switches & RV_SWITCH_DNS_BLOCKLIST) &&
	       ((const __be16 *)headers->ports)[1] == bpf_htons(53);
}

static __always_inline struct rv_fast_sent
rv_fast_sent(struct xdp_md *ctx, const struct rv_fast_view *view,
	     const struct rv_fast_headers *headers, __u64 switches, __u32 tcp_row)
{
	return (struct rv_fast_sent){
		.switches = switches,
		.now = bpf_ktime_get_coarse_ns(),
		.ingress = ctx->ingress_ifindex,
		.bytes = headers->frame,
		.length = view->length,
		/* UDP comes after TCP. */
		.row = tcp_row + (view->protocol == IPPROTO_UDP),
	};
}

/* What XDP does is told by fewer bits. */
#define RV_FAST_TEACHES_AT 8
/* No number of what XDP does: it goes up, and is not in the cache. */
#define RV_FAST_MISSED (XDP_REDIRECT + 1)

/*
 * Forwards an IPv4 packet: XDP_REDIRECT, or says that it goes up, as it came: XDP_PASS,
 * RV_FAST_MISSED, or << RV_FAST_TEACHES_AT the slot whose way it tells. Global, so that
 * the verifier walks it once.
 */
__noinline int rv_fast4(struct xdp_md *ctx, __u64 switches, __u32 link)
{
	const struct rv_fast_control *control = rv_fast_control_get();
	struct rv_fast_flow4 *found, *twin;
	struct rv_fast_headers headers;
	struct rv_fast_flow flow;
	struct rv_fast_sent sent;
	struct rv_fast_view view;
	struct rv_fast_way way;
	__u32 slot, other;

	if (!control || !rv_fast_view4(ctx, link, &view) ||
	    !rv_fast_headers(ctx, &view, sizeof(struct iphdr), &headers) ||
	    rv_fast_is_dns(&headers, switches))
		return XDP_PASS;
	found = rv_fast_find4(control, &headers, view.protocol, &slot);
	if (!found)
		return rv_fast_goes_on(&view) ? RV_FAST_MISSED : XDP_PASS;
	if (found->state != RV_FAST_LIVE)
		return XDP_PASS;
	if (!rv_fast_goes_on(&view)) {
		other = slot ^ 1;
		twin = bpf_map_lookup_elem(&fast_flow4, &other);
		if (twin && (view.tcp_flags & (RV_TCP_FIN | RV_TCP_RST))) {
			found->state = RV_FAST_ENDED;
			twin->state = RV_FAST_ENDED;
		}
		return XDP_PASS;
	}
	flow.path = &found->path;
	flow.counts = &found->counts;
	flow.rest = &found->rest;
	sent = rv_fast_sent(ctx, &view, &headers, switches, RV_PROTOCOL_IPV4_TCP);
	switch (rv_fast_judge(control, &view, &headers, &flow, &sent, &way)) {
	case RV_FAST_FORWARD:
		break;
	case RV_FAST_LEARN:
		return slot << RV_FAST_TEACHES_AT;
	case RV_FAST_FORGET:
		found->state = RV_FAST_IDLE;
		return XDP_PASS;
	default:
		return XDP_PASS;
	}
	/* Until here the frame is as it came. */
	if (bpf_redirect_map(&devmap, way.path.egress, XDP_PASS) != XDP_REDIRECT)
		return XDP_PASS;
	if (!rv_fast_fits(&view, &way)) {
		if (!rv_fast_make_room(ctx, &view, &way))
			return XDP_PASS;
		if (!rv_fast_headers(ctx, &view, sizeof(struct iphdr), &headers))
			return XDP_ABORTED;
	}
	rv_fast_link(&headers, &way);
	rv_fast_rewrite4(&headers, found);
	rv_fast_count_flow(&sent, &found->counts, found->counter);
	rv_fast_count_interfaces(&sent, &way);
	if (switches & RV_SWITCH_FLOW_MONITORING)
		rv_fast_monitor4(slot, sent.ingress, way.ingress_vlan, sent.bytes,
				 view.tcp_flags);
	return XDP_REDIRECT;
}

/* The same of an IPv6 packet. */
__noinline int rv_fast6(struct xdp_md *ctx, __u64 switches, __u32 link)
{
	const struct rv_fast_control *control = rv_fast_control_get();
	struct rv_fast_flow6 *found, *twin;
	struct rv_fast_headers headers;
	struct rv_fast_flow flow;
	struct rv_fast_sent sent;
	struct rv_fast_view view;
	struct rv_fast_way way;
	__u32 slot, other;

	if (!control || !rv_fast_view6(ctx, link, &view) ||
	    !rv_fast_headers(ctx, &view, sizeof(struct ipv6hdr), &headers) ||
	    rv_fast_is_dns(&headers, switches))
		return XDP_PASS;
	found = rv_fast_find6(control, &headers, view.protocol, &slot);
	if (!found)
		return rv_fast_goes_on(&view) ? RV_FAST_MISSED : XDP_PASS;
	if (found->state != RV_FAST_LIVE)
		return XDP_PASS;
	if (!rv_fast_goes_on(&view)) {
		other = slot ^ 1;
		twin = bpf_map_lookup_elem(&fast_flow6, &other);
		if (twin && (view.tcp_flags & (RV_TCP_FIN | RV_TCP_RST))) {
			found->state = RV_FAST_ENDED;
			twin->state = RV_FAST_ENDED;
		}
		return XDP_PASS;
	}
	flow.path = &found->path;
	flow.counts = &found->counts;
	flow.rest = &found->rest;
	sent = rv_fast_sent(ctx, &view, &headers, switches, RV_PROTOCOL_IPV6_TCP);
	switch (rv_fast_judge(control, &view, &headers, &flow, &sent, &way)) {
	case RV_FAST_FORWARD:
		break;
	case RV_FAST_LEARN:
		return slot << RV_FAST_TEACHES_AT;
	case RV_FAST_FORGET:
		found->state = RV_FAST_IDLE;
		return XDP_PASS;
	default:
		return XDP_PASS;
	}
	if (bpf_redirect_map(&devmap, way.path.egress, XDP_PASS) != XDP_REDIRECT)
		return XDP_PASS;
	if (!rv_fast_fits(&view, &way)) {
		if (!rv_fast_make_room(ctx, &view, &way))
			return XDP_PASS;
		if (!rv_fast_headers(ctx, &view, sizeof(struct ipv6hdr), &headers))
			return XDP_ABORTED;
	}
	rv_fast_link(&headers, &way);
	rv_fast_rewrite6(&headers, found);
	rv_fast_count_flow(&sent, &found->counts, found->counter);
	rv_fast_count_interfaces(&sent, &way);
	if (switches & RV_SWITCH_FLOW_MONITORING)
		rv_fast_monitor6(slot, sent.ingress, way.ingress_vlan, sent.bytes,
				 view.tcp_flags);
	return XDP_REDIRECT;
}

/* Forwards a frame, XDP_REDIRECT, or says that it goes up. */
static __always_inline int rv_fast(struct xdp_md *ctx, __u64 switches)
{
	__be16 protocol = 0;
	__u32 link = rv_fast_link_of(ctx, &protocol);
	__u32 step, slot;

	if (link && protocol == bpf_htons(ETH_P_IP)) {
		step = rv_fast4(ctx, switches, link);
		slot = step >> RV_FAST_TEACHES_AT;
		if (slot)
			rv_fast_learn4(ctx, link, slot, switches);
	} else if (link && protocol == bpf_htons(ETH_P_IPV6)) {
		step = rv_fast6(ctx, switches, link);
		slot = step >> RV_FAST_TEACHES_AT;
		if (slot)
			rv_fast_learn6(ctx, link, slot, switches);
	} else {
		return XDP_PASS;
	}
	if (step == RV_FAST_MISSED)
		rv_fast_count_miss(switches);
	return step == XDP_REDIRECT ? XDP_REDIRECT : XDP_PASS;
}

#endif
