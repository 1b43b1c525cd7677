/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dns_blocklist in tc: UDP queries where XDP does not run. */
#ifndef RAVELIN_LIB_SKB_DNS_H
#define RAVELIN_LIB_SKB_DNS_H

#include <stddef.h>

#include "lib/dns_reply.h"
#include "lib/skb_write.h"

/* Loads the message at offset and judges it; see rv_dns_judge(). */
static __always_inline int rv_skb_dns_judge(struct __sk_buff *skb,
					    const struct rv_visit *visit,
					    struct rv_dns_scratch *scratch, __u32 offset,
					    __u32 length, struct rv_dns_query *query)
{
	__u64 load = rv_dns_load_size(length);

	if (!load || bpf_skb_load_bytes(skb, offset, scratch->message, load))
		return 0;
	return rv_dns_judge(query, load, length,
			    !!(visit->switches & RV_SWITCH_NAME_HALF));
}

static __always_inline bool rv_skb_reply(struct __sk_buff *skb,
					 const struct rv_packet *packet,
					 struct rv_dns_scratch *scratch, __u32 message)
{
	struct rv_made made = rv_made_reply(packet);
	struct udphdr udp = rv_make_udp(packet, message);
	struct rv_transport transport = {
		.header = &udp,
		.header_length = sizeof(udp),
		.check_at = offsetof(struct udphdr, check),
		.message = message,
		.sums.pseudo = rv_pseudo_sum(&made, sizeof(udp) + message),
	};

	transport.sums.rest =
		rv_fold(rv_sum(&udp, sizeof(udp)) + rv_dns_sum(scratch, message));
	udp.check = transport.sums.pseudo;
	return rv_skb_write(skb, packet, &made, &transport, scratch);
}

/*
 * Turns the query into its reply: 1; 0: the skb is spoilt or cannot be answered. Global
 * for the reason rv_search4() is, and for a stack of its own.
 */
__noinline int rv_skb_answer(struct __sk_buff *skb, const struct rv_packet *packet,
			     const struct rv_dns_query *query)
{
	struct rv_dns_scratch *scratch = rv_dns_scratch();
	struct rv_macs macs;

	if (!packet || !query || !scratch)
		return 0;
	if (bpf_skb_load_bytes(skb, 0, &macs, sizeof(macs)) || rv_macs_to_group(&macs))
		return 0;
	macs = rv_macs_reversed(&macs);
	return rv_skb_reply(skb, packet, scratch, rv_dns_make_reply(scratch, query)) &&
	       rv_skb_write_macs(skb, &macs);
}

/* Judges a DNS datagram and makes the answer of it, to be sent back, where one is due. */
static __always_inline enum rv_reason rv_skb_dns(struct __sk_buff *skb,
						 const struct rv_visit *visit,
						 const struct rv_packet *packet)
{
	struct rv_dns_scratch *scratch = rv_dns_scratch();
	enum rv_reason reason = RV_REASON_DNS_DROPPED;
	struct rv_dns_query query = {};
	int row;

	if (!scratch)
		return RV_REASON_PASS;
	row = rv_skb_dns_judge(skb, visit, scratch, packet->payload,
			       packet->udp_length - sizeof(struct udphdr), &query);
	if (row <= 0)
		return RV_REASON_PASS;
	if (!(visit->switches & RV_SWITCH_DNS_DROP) && rv_skb_answer(skb, packet, &query))
		reason = RV_REASON_DNS_ANSWERED;
	rv_dns_tell(visit, packet, scratch, &query, row, reason);
	return reason;
}

#endif
