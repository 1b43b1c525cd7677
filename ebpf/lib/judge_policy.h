/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What XDP and tc ingress do alike with the verdict of the policy. */
#ifndef RAVELIN_LIB_JUDGE_POLICY_H
#define RAVELIN_LIB_JUDGE_POLICY_H

#include "lib/classify.h"
#include "lib/judge.h"

static __always_inline bool rv_has_policy(const struct rv_visit *visit)
{
	return visit->switches & RV_SWITCH_POLICY_CLASSIFIER;
}

/* The row of the maps "policy" and "policy_classes" that is live. */
static __always_inline __u32 rv_policy_row(const struct rv_visit *visit)
{
	return !!(visit->switches & RV_SWITCH_POLICY_HALF);
}

static __always_inline void rv_tell_verdict(const struct rv_visit *visit,
					    const struct rv_packet *packet,
					    const struct rv_verdict *verdict,
					    enum rv_reason reason)
{
	struct rv_event *event = rv_event_begin(visit->control, packet, RV_EVENT_POLICY,
						visit->ifindex, visit->length, reason);

	if (!event)
		return;
	event->object = verdict->counter;
	event->revision = verdict->revision;
	event->from_zone = verdict->from_zone;
	event->to_zone = verdict->to_zone;
	bpf_ringbuf_submit(event, 0);
}

/*
 * Whether the packet ends here by the policy: only where it cannot be a reply, whatever
 * conntrack knows. The rest goes up marked, and nftables has the last word and counts it.
 */
static __always_inline enum rv_reason rv_judge_policy(const struct rv_visit *visit,
						      const struct rv_packet *packet,
						      const struct rv_verdict *verdict)
{
	const __u8 flags = RV_TCP_SYN | RV_TCP_ACK | RV_TCP_RST | RV_TCP_FIN;
	enum rv_reason reason = verdict->flags & RV_RULE_DEFAULT
					? RV_REASON_POLICY_DEFAULT
					: RV_REASON_POLICY_RULE;
	struct rv_counter *hits;
	__u32 counter = verdict->counter;

	if (verdict->action != RV_ACTION_DROP || packet->protocol != IPPROTO_TCP ||
	    (packet->tcp_flags & flags) != RV_TCP_SYN)
		return RV_REASON_PASS;
	if (!visit->packets)
		return reason;
	hits = bpf_map_lookup_elem(&rule_hits, &counter);
	if (hits)
		rv_count(hits, visit->packets, visit->bytes);
	if (verdict->flags & RV_RULE_LOG)
		rv_tell_verdict(visit, packet, verdict, reason);
	return reason;
}

#endif
