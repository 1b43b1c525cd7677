// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc ingress: DNS over TCP, and on interfaces without XDP also everything XDP does.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "lib/judge.h"
#include "lib/skb.h"
#include "lib/skb_dns_stream.h"

SEC("classifier")
int rv_ingress(struct __sk_buff *skb)
{
	struct rv_visit visit = {.control = rv_control_get()};
	enum rv_reason reason = RV_REASON_PASS;
	struct rv_packet packet;
	int action = TC_ACT_UNSPEC;
	bool judged;

	if (!visit.control)
		return TC_ACT_UNSPEC;
	visit.switches = rv_switches(visit.control);
	if (!(visit.switches & RV_FEATURES))
		return TC_ACT_UNSPEC;
	visit.ifindex = skb->ifindex;
	visit.zone = rv_zone_of(visit.ifindex);
	judged = visit.zone.flags & RV_ZONE_XDP;
	if (judged && !(visit.switches & RV_SWITCH_DNS_BLOCKLIST))
		return TC_ACT_UNSPEC;
	rv_skb_parse(skb, &packet);
	visit.packets = rv_skb_packets(skb);
	visit.length = skb->len + rv_skb_tag_bytes(skb);
	/* Segments the kernel merged each had the headers. */
	visit.bytes = visit.length + (__u64)(visit.packets - 1) * packet.payload;

	if (judged && !rv_is_dns_stream(&visit, &packet))
		return TC_ACT_UNSPEC;
	if (!judged && rv_judge_source(&visit, &packet)) {
		reason = RV_REASON_SOURCE_LISTED;
	} else if (rv_is_dns_datagram(&visit, &packet)) {
		reason = rv_skb_dns(skb, &visit, &packet);
		if (reason == RV_REASON_DNS_ANSWERED)
			action = bpf_redirect(visit.ifindex, 0);
	} else if (rv_is_dns_stream(&visit, &packet)) {
		reason = rv_skb_dns_stream(skb, &visit, &packet);
	}
	rv_account(&visit, &packet, reason);
	if (reason == RV_REASON_SOURCE_LISTED || reason == RV_REASON_DNS_DROPPED)
		return TC_ACT_SHOT;
	return action;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
