/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dns_blocklist in XDP: UDP queries. */
#ifndef RAVELIN_LIB_XDP_DNS_H
#define RAVELIN_LIB_XDP_DNS_H

#include "lib/dns_reply.h"
#include "lib/make.h"

/*
 * Writes the IP and UDP headers and the message behind the Ethernet header and its
 * tags.
 */
static __always_inline bool rv_xdp_write(struct xdp_md *ctx,
					 const struct rv_packet *packet,
					 struct rv_dns_scratch *scratch, __u32 message)
{
	struct rv_made made = rv_made_reply(packet);
	struct udphdr udp = rv_make_udp(packet, message);
	__u32 at = packet->network, length = sizeof(udp) + message;
	struct rv_sums sums = {.pseudo = rv_pseudo_sum(&made, length)};
	long failed;

	sums.rest = rv_fold(rv_sum(&udp, sizeof(udp)) + rv_dns_sum(scratch, message));
	/* 0 would mean: no checksum (RFC 768), which IPv6 does not allow. */
	udp.check = rv_checksum(sums) ?: 0xffff;
	if (made.family == 4) {
		struct iphdr ip = rv_make_ip4(&made, length);

		failed = bpf_xdp_store_bytes(ctx, at, &ip, sizeof(ip));
	} else {
		struct ipv6hdr ip = rv_make_ip6(&made, length);

		failed = bpf_xdp_store_bytes(ctx, at, &ip, sizeof(ip));
	}
	at += rv_made_header(&made);
	return !failed && !bpf_xdp_store_bytes(ctx, at, &udp, sizeof(udp)) &&
	       !bpf_xdp_store_bytes(ctx, at + sizeof(udp), scratch->message, message);
}

/*
 * Turns the query into its reply: 1; 0: the packet is spoilt or cannot be answered.
 * frame: its length now. Global for the reason rv_search4() is, and for a stack of its
 * own.
 */
__noinline int rv_xdp_answer(struct xdp_md *ctx, const struct rv_packet *packet,
			     const struct rv_dns_query *query, __u32 frame)
{
	struct rv_dns_scratch *scratch = rv_dns_scratch();
	struct rv_made made = {};
	struct rv_macs macs;
	__u32 message, length;

	if (!packet || !query || !scratch)
		return 0;
	if (bpf_xdp_load_bytes(ctx, 0, &macs, sizeof(macs)) || rv_macs_to_group(&macs))
		return 0;
	made.family = packet->family;
	macs = rv_macs_reversed(&macs);
	message = rv_dns_make_reply(scratch, query);
	length =
		packet->network + rv_made_header(&made) + sizeof(struct udphdr) + message;
	return message && !bpf_xdp_adjust_tail(ctx, (int)length - (int)frame) &&
	       !bpf_xdp_store_bytes(ctx, 0, &macs, sizeof(macs)) &&
	       rv_xdp_write(ctx, packet, scratch, message);
}

/* Judges a DNS datagram and makes the answer of it where one is due. */
static __always_inline enum rv_reason rv_xdp_dns(struct xdp_md *ctx,
						 const struct rv_visit *visit,
						 const struct rv_packet *packet)
{
	__u32 length = packet->udp_length - sizeof(struct udphdr);
	__u32 half = !!(visit->switches & RV_SWITCH_NAME_HALF);
	struct rv_dns_scratch *scratch = rv_dns_scratch();
	enum rv_reason reason = RV_REASON_DNS_DROPPED;
	__u64 load = rv_dns_load_size(length);
	struct rv_dns_query query = {};
	int row;

	if (!scratch || !load ||
	    bpf_xdp_load_bytes(ctx, packet->payload, scratch->message, load))
		return RV_REASON_PASS;
	row = rv_dns_judge(&query, load, length, half);
	if (row <= 0)
		return RV_REASON_PASS;
	if (!(visit->switches & RV_SWITCH_DNS_DROP) &&
	    rv_xdp_answer(ctx, packet, &query, visit->length))
		reason = RV_REASON_DNS_ANSWERED;
	rv_dns_tell(visit, packet, scratch, &query, row, reason);
	return reason;
}

#endif
