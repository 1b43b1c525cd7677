// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* XDP: every frame an interface receives, before the kernel makes an skb of it. */
#include <linux/bpf.h>

#include "lib/judge.h"
#include "lib/xdp.h"
#include "lib/xdp_dns.h"

SEC("xdp")
int rv_xdp(struct xdp_md *ctx)
{
	struct rv_visit visit = {.control = rv_control_get(), .packets = 1};
	enum rv_reason reason = RV_REASON_PASS;
	struct rv_packet packet;

	if (!visit.control)
		return XDP_PASS;
	visit.switches = rv_switches(visit.control);
	if (!(visit.switches & RV_FEATURES))
		return XDP_PASS;
	visit.ifindex = ctx->ingress_ifindex;
	visit.zone = rv_zone_of(visit.ifindex);
	visit.length = ctx->data_end - ctx->data;
	visit.bytes = visit.length;
	if (rv_xdp_parse(ctx, &packet))
		return XDP_PASS;

	if (rv_judge_source(&visit, &packet))
		reason = RV_REASON_SOURCE_LISTED;
	else if (rv_is_dns_datagram(&visit, &packet))
		reason = rv_xdp_dns(ctx, &visit, &packet);
	else if (rv_is_dns_stream(&visit, &packet))
		return XDP_PASS;
	rv_account(&visit, &packet, reason);
	if (reason == RV_REASON_PASS)
		return XDP_PASS;
	return reason == RV_REASON_DNS_ANSWERED ? XDP_TX : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
