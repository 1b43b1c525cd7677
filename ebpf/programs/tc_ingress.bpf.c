// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc ingress: DNS over TCP, the mark for nftables, and on interfaces without XDP also
 * everything XDP does.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "lib/judge_policy.h"
#include "lib/metadata.h"
#include "lib/skb.h"
#include "lib/skb_dns_stream.h"

/* A global function for the reason rv_skb_parse_linear() is one, and for its stack. */
__noinline int rv_skb_find_zones(struct __sk_buff *skb, const struct rv_packet *packet,
				 __u32 ifindex, __u32 row, struct rv_verdict *verdict)
{
	if (!packet || !verdict)
		return -1;
	/* A tag the kernel took out of the frame: another interface's packet. */
	if (!skb->vlan_present)
		rv_find_zones(skb, packet, ifindex, row, verdict);
	return 0;
}

static __always_inline void rv_skb_set_mark(struct __sk_buff *skb, __u32 mark)
{
	skb->mark = (skb->mark & ~RV_MARK_ALL) | mark;
}

/* Takes over the mark of XDP. False: XDP has not looked at the packet. */
static __always_inline bool rv_skb_take_over(struct __sk_buff *skb)
{
	const struct rv_metadata *metadata = rv_skb_metadata(skb);

	if (!metadata)
		return false;
	rv_skb_set_mark(skb, skb->vlan_present ? 0 : metadata->mark);
	return true;
}

/*
 * Sets the mark by the policy. Only where XDP does not run a packet may end here: else it
 * has been counted as one that goes on.
 */
static __always_inline enum rv_reason rv_skb_policy(struct __sk_buff *skb,
						    const struct rv_visit *visit,
						    const struct rv_packet *packet,
						    bool judged)
{
	__u32 row = rv_policy_row(visit);
	struct rv_verdict verdict = {};

	rv_skb_find_zones(skb, packet, visit->ifindex, row, &verdict);
	if (verdict.to_zone)
		rv_find_action(packet, row, &verdict);
	rv_skb_set_mark(skb, rv_mark_of(&verdict));
	return judged ? RV_REASON_PASS : rv_judge_policy(visit, packet, &verdict);
}

SEC("classifier")
int rv_ingress(struct __sk_buff *skb)
{
	struct rv_visit visit = {.control = rv_control_get()};
	enum rv_reason reason = RV_REASON_PASS;
	bool judged, unmarked;
	struct rv_packet packet;
	int action = TC_ACT_UNSPEC;

	if (!visit.control)
		return TC_ACT_UNSPEC;
	visit.switches = rv_switches(visit.control);
	if (!(visit.switches & RV_FEATURES))
		return TC_ACT_UNSPEC;
	visit.ifindex = skb->ifindex;
	visit.zone = rv_zone_of(visit.ifindex);
	judged = visit.zone.flags & RV_ZONE_XDP;
	unmarked = rv_has_policy(&visit) && !rv_skb_take_over(skb);
	if (judged && !unmarked && !(visit.switches & RV_SWITCH_DNS_BLOCKLIST))
		return TC_ACT_UNSPEC;
	rv_skb_parse(skb, &packet);
	visit.packets = rv_skb_packets(skb);
	visit.length = skb->len + rv_skb_tag_bytes(skb);
	/* Segments the kernel merged each had the headers. */
	visit.bytes = visit.length + (__u64)(visit.packets - 1) * packet.payload;

	if (!judged && rv_judge_source(&visit, &packet))
		reason = RV_REASON_SOURCE_LISTED;
	else if (unmarked)
		reason = rv_skb_policy(skb, &visit, &packet, judged);
	if (judged && !rv_is_dns_stream(&visit, &packet))
		return TC_ACT_UNSPEC;
	if (reason == RV_REASON_PASS && rv_is_dns_datagram(&visit, &packet)) {
		reason = rv_skb_dns(skb, &visit, &packet);
		if (reason == RV_REASON_DNS_ANSWERED)
			action = bpf_redirect(visit.ifindex, 0);
	} else if (reason == RV_REASON_PASS && rv_is_dns_stream(&visit, &packet)) {
		reason = rv_skb_dns_stream(skb, &visit, &packet);
	}
	rv_account(&visit, &packet, reason);
	if (reason == RV_REASON_PASS || reason == RV_REASON_DNS_ANSWERED)
		return action;
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
