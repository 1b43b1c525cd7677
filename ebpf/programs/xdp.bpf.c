// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* XDP: every frame an interface receives, before the kernel makes an skb of it. */
#include <linux/bpf.h>

#include "lib/judge.h"

SEC("xdp")
int rv_xdp(struct xdp_md *ctx)
{
	struct rv_visit visit = { .control = rv_control_get(), .packets = 1 };
	enum rv_reason reason = RV_REASON_PASS;
	struct rv_packet packet;
	struct rv_frame frame = {
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};

	if (!visit.control)
		return XDP_PASS;
	visit.switches = rv_switches(visit.control);
	visit.ifindex = ctx->ingress_ifindex;
	visit.zone = rv_zone_of(visit.ifindex);
	frame.length = frame.end - frame.data;
	visit.length = frame.length;
	visit.bytes = frame.length;
	rv_parse(&frame, &packet);

	if (rv_judge_source(&visit, &packet))
		reason = RV_REASON_SOURCE_LISTED;
	else if (rv_is_dns_stream(&visit, &packet))
		return XDP_PASS;
	rv_account(&visit, &packet, reason);
	return reason == RV_REASON_PASS ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
