/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * dns_blocklist in tc: queries over TCP (RFC 7766). The connection has been set up with
 * the server; a query for a listed name ends it on both sides: the client gets the answer
 * and a FIN in the server's name, the server an RST in the client's, which also takes the
 * connection out of connection tracking. A query split over segments goes through.
 */
#ifndef RAVELIN_LIB_SKB_DNS_STREAM_H
#define RAVELIN_LIB_SKB_DNS_STREAM_H

#include "lib/skb_dns.h"

/* A message on a stream has its length before it (RFC 1035 section 4.2.2). */
struct rv_stream_header {
	struct tcphdr tcp;
	__be16 length;
} __attribute__((packed));

/*
 * Enough for an answer and its FIN; the client will send no more than an ACK and a FIN.
 */
#define RV_STREAM_WINDOW 65535

/*
 * Where in the segment the message begins: behind its length, or at once for clients that
 * write the length in a segment of its own. The header tells: read two bytes off, its
 * counts cannot be those of a query as well. length: of the payload, then of the message.
 */
static __always_inline __u32 rv_stream_message(struct __sk_buff *skb, __u32 payload,
					       __u32 *length)
{
	struct {
		__be16 length;
		struct rv_dns_header header;
	} start;
	__u32 framed;

	if (bpf_skb_load_bytes(skb, payload, &start, sizeof(start)))
		return payload;
	framed = bpf_ntohs(start.length);
	if (!rv_dns_is_query(&start.header) || framed + sizeof(start.length) > *length)
		return payload;
	*length = framed;
	return payload + sizeof(start.length);
}

static __always_inline bool rv_stream_reply(struct __sk_buff *skb,
					    const struct rv_packet *packet,
					    struct rv_dns_scratch *scratch, __u32 message,
					    const struct tcphdr *asked)
{
	__u32 consumed = packet->end - packet->payload + asked->fin;
	struct rv_made made = rv_made_reply(packet);
	struct rv_stream_header header = {
		.tcp.source = asked->dest,
		.tcp.dest = asked->source,
		.tcp.seq = asked->ack_seq,
		.tcp.ack_seq = bpf_htonl(bpf_ntohl(asked->seq) + consumed),
		.tcp.doff = sizeof(struct tcphdr) / 4,
		.tcp.psh = 1,
		.tcp.ack = 1,
		.tcp.fin = 1,
		.tcp.window = bpf_htons(RV_STREAM_WINDOW),
		.length = bpf_htons(message),
	};
	struct rv_transport transport = {
		.header = &header,
		.header_length = sizeof(header),
		.check_at = offsetof(struct tcphdr, check),
		.message = message,
		.sums.pseudo = rv_pseudo_sum(&made, sizeof(header) + message),
	};

	transport.sums.rest = rv_fold(rv_sum(&header.tcp, sizeof(header.tcp)) +
				      header.length + rv_dns_sum(scratch, message));
	header.tcp.check = transport.sums.pseudo;
	return rv_skb_write(skb, packet, &made, &transport, scratch);
}

static __always_inline bool rv_stream_reset(struct __sk_buff *skb,
					    const struct rv_packet *packet,
					    const struct rv_dns_scratch *scratch,
					    __u8 ttl, const struct tcphdr *asked)
{
	struct rv_made made = {
		.family = packet->family, .protocol = IPPROTO_TCP, .ttl = ttl};
	struct tcphdr tcp = {
		.source = asked->source,
		.dest = asked->dest,
		.seq = asked->seq,
		.ack_seq = asked->ack_seq,
		.doff = sizeof(struct tcphdr) / 4,
		.rst = 1,
		.ack = 1,
	};
	struct rv_transport transport = {
		.header = &tcp,
		.header_length = sizeof(tcp),
		.check_at = offsetof(struct tcphdr, check),
	};

	__builtin_memcpy(made.source, packet->source, sizeof(made.source));
	__builtin_memcpy(made.destination, packet->destination, sizeof(made.destination));
	transport.sums.pseudo = rv_pseudo_sum(&made, sizeof(tcp));
	transport.sums.rest = rv_sum(&tcp, sizeof(tcp));
	tcp.check = transport.sums.pseudo;
	return rv_skb_write(skb, packet, &made, &transport, scratch);
}

/*
 * Answers the client and leaves the skb as the reset for the server: 1; 0: as in
 * rv_skb_answer().
 */
__noinline int rv_stream_answer(struct __sk_buff *skb, const struct rv_packet *packet,
				const struct rv_dns_query *query)
{
	struct rv_dns_scratch *scratch = rv_dns_scratch();
	struct rv_macs macs, reversed;
	struct tcphdr asked;
	__u32 ttl_at;
	__u8 ttl;

	if (!packet || !query || !scratch)
		return 0;
	ttl_at = packet->family == 4 ? offsetof(struct iphdr, ttl)
				     : offsetof(struct ipv6hdr, hop_limit);
	if (bpf_skb_load_bytes(skb, 0, &macs, sizeof(macs)) || rv_macs_to_group(&macs) ||
	    bpf_skb_load_bytes(skb, packet->network + ttl_at, &ttl, sizeof(ttl)) ||
	    bpf_skb_load_bytes(skb, packet->transport, &asked, sizeof(asked)))
		return 0;
	reversed = rv_macs_reversed(&macs);
	return rv_stream_reply(skb, packet, scratch, rv_dns_make_reply(scratch, query),
			       &asked) &&
	       rv_skb_write_macs(skb, &reversed) &&
	       !bpf_clone_redirect(skb, skb->ifindex, 0) &&
	       rv_skb_write_macs(skb, &macs) &&
	       rv_stream_reset(skb, packet, scratch, ttl, &asked);
}

/* Judges a segment; where it is answered, the skb goes on to the server as a reset. */
static __always_inline enum rv_reason rv_skb_dns_stream(struct __sk_buff *skb,
							const struct rv_visit *visit,
							const struct rv_packet *packet)
{
	__u32 length = packet->end - packet->payload;
	__u32 offset = rv_stream_message(skb, packet->payload, &length);
	struct rv_dns_scratch *scratch = rv_dns_scratch();
	enum rv_reason reason = RV_REASON_DNS_DROPPED;
	struct rv_dns_query query = {};
	int row;

	if (!scratch)
		return RV_REASON_PASS;
	row = rv_skb_dns_judge(skb, visit, scratch, offset, length, &query);
	if (row <= 0)
		return RV_REASON_PASS;
	if (!(visit->switches & RV_SWITCH_DNS_DROP) &&
	    rv_stream_answer(skb, packet, &query))
		reason = RV_REASON_DNS_ANSWERED;
	rv_dns_tell(visit, packet, scratch, &query, row, reason);
	return reason;
}

#endif
