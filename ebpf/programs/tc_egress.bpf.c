// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc egress: counts what leaves, and the flows of packets this box sends itself. Never
 * drops. Answers XDP sends back do not come by here: their query's cell tells of them.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "lib/control.h"
#include "lib/flow.h"
#include "lib/skb.h"
#include "lib/statistics.h"

SEC("classifier")
int rv_egress(struct __sk_buff *skb)
{
	const struct rv_control *control = rv_control_get();
	struct rv_packet packet;
	__u64 switches, bytes;
	__u32 packets;

	if (!control)
		return TC_ACT_UNSPEC;
	switches = rv_switches(control);
	if (!(switches & (RV_SWITCH_STATISTICS | RV_SWITCH_FLOW_MONITORING)))
		return TC_ACT_UNSPEC;
	rv_skb_parse(skb, &packet);
	packets = rv_skb_packets(skb);
	/* wire_len counts the headers of every segment to be, but no offloaded tag. */
	bytes = skb->wire_len + (__u64)packets * rv_skb_tag_bytes(skb);

	/* A packet that came in has been counted as a flow there. */
	if ((switches & RV_SWITCH_FLOW_MONITORING) && !skb->ingress_ifindex &&
	    packet.row != RV_PROTOCOL_OTHER)
		rv_flow_account(&packet, 0, packets, bytes);
	if (switches & RV_SWITCH_STATISTICS)
		rv_statistics_add(rv_zone_of(skb->ifindex).slot, RV_DIRECTION_EGRESS,
				  packet.row, RV_REASON_PASS, packets, bytes);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
