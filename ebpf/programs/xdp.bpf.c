// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* XDP: every frame an interface receives, before the kernel makes an skb of it. */
#include <linux/bpf.h>

#include "lib/fast.h"
#include "lib/judge_policy.h"
#include "lib/metadata.h"
#include "lib/xdp.h"
#include "lib/xdp_dns.h"

/* A global function for the reason rv_skb_parse_linear() is one, and for its stack. */
__noinline int rv_xdp_find_zones(struct xdp_md *ctx, const struct rv_packet *packet,
				 __u32 ifindex, __u32 row, struct rv_verdict *verdict)
{
	if (!packet || !verdict)
		return -1;
	rv_find_zones(ctx, packet, ifindex, row, verdict);
	return 0;
}

/* Which of our reasons ends the packet here, and what the policy says of it. */
static __always_inline enum rv_reason rv_xdp_judge(struct xdp_md *ctx,
						   const struct rv_visit *visit,
						   const struct rv_packet *packet,
						   struct rv_verdict *verdict)
{
	__u32 row = rv_policy_row(visit);
	enum rv_reason reason;

	if (rv_judge_source(visit, packet))
		return RV_REASON_SOURCE_LISTED;
	if (rv_is_dns_datagram(visit, packet)) {
		reason = rv_xdp_dns(ctx, visit, packet);
		if (reason != RV_REASON_PASS)
			return reason;
	}
	if (!rv_has_policy(visit))
		return RV_REASON_PASS;
	rv_xdp_find_zones(ctx, packet, visit->ifindex, row, verdict);
	if (verdict->to_zone)
		rv_find_action(packet, row, verdict);
	return rv_judge_policy(visit, packet, verdict);
}

/*
 * What is not forwarded at once, or is a probe. Global, so that what forwards has no part
 * in its stack.
 */
__noinline int rv_xdp_look(struct xdp_md *ctx, __u64 switches)
{
	struct rv_visit visit = {
		.control = rv_control_get(),
		.switches = switches,
		.packets = 1,
	};
	struct rv_verdict verdict = {};
	struct rv_packet packet;
	enum rv_reason reason;

	if (!visit.control)
		return XDP_PASS;
	visit.ifindex = ctx->ingress_ifindex;
	visit.zone = rv_zone_of(visit.ifindex);
	visit.length = ctx->data_end - ctx->data;
	visit.bytes = visit.length;
	if (rv_xdp_probe(ctx)) {
		visit.packets = 0;
		visit.bytes = 0;
	}
	if (rv_xdp_parse(ctx, &packet))
		return XDP_PASS;

	reason = rv_xdp_judge(ctx, &visit, &packet, &verdict);
	if (reason != RV_REASON_PASS || !rv_is_dns_stream(&visit, &packet))
		rv_account(&visit, &packet, reason);
	if (!visit.packets)
		rv_xdp_answer_probe(ctx, &verdict, reason);
	else if (reason == RV_REASON_PASS && rv_has_policy(&visit))
		rv_xdp_hand_over(ctx, rv_mark_of(&verdict));
	if (reason == RV_REASON_PASS)
		return XDP_PASS;
	return reason == RV_REASON_DNS_ANSWERED ? XDP_TX : XDP_DROP;
}

SEC("xdp")
int rv_xdp(struct xdp_md *ctx)
{
	const struct rv_control *control = rv_control_get();
	__u64 switches;

	if (!control)
		return XDP_PASS;
	switches = rv_switches(control);
	if (!(switches & RV_FEATURES))
		return XDP_PASS;
	if ((switches & RV_SWITCH_FLOW_OFFLOAD) && !rv_xdp_probe(ctx) &&
	    rv_fast(ctx, switches) == XDP_REDIRECT)
		return XDP_REDIRECT;
	return rv_xdp_look(ctx, switches);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
