/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_LIB_PARSE_TRANSPORT_H
#define RAVELIN_LIB_PARSE_TRANSPORT_H

#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#include <ravelin/statistics.h>

#include "lib/packet.h"

/* ICMP and ICMPv6; <linux/icmp.h> wants a C library. */
#define RV_ICMP_HEADER_BYTES 8

/* RFC 9260 section 3.1. */
struct rv_sctp_header {
	__be16 source;
	__be16 destination;
	__be32 tag;
	__be32 checksum;
};

/* Byte 13 of the TCP header. */
enum rv_tcp_flag {
	RV_TCP_FIN = 0x01,
	RV_TCP_SYN = 0x02,
	RV_TCP_RST = 0x04,
	RV_TCP_PSH = 0x08,
	RV_TCP_ACK = 0x10,
};

static __always_inline __u8 rv_protocol_row(const struct rv_packet *packet)
{
	__u8 first = packet->family == 4 ? RV_PROTOCOL_IPV4_TCP : RV_PROTOCOL_IPV6_TCP;
	__u8 icmp = packet->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	if (packet->protocol == IPPROTO_TCP)
		return first;
	if (packet->protocol == IPPROTO_UDP)
		return first + RV_PROTOCOL_IPV4_UDP - RV_PROTOCOL_IPV4_TCP;
	if (packet->protocol == icmp)
		return first + RV_PROTOCOL_IPV4_ICMP - RV_PROTOCOL_IPV4_TCP;
	return first + RV_PROTOCOL_IPV4_OTHER - RV_PROTOCOL_IPV4_TCP;
}

static __always_inline bool rv_parse_tcp(const struct rv_frame *frame,
					 struct rv_packet *packet)
{
	const struct tcphdr *tcp = rv_peek(frame, packet->transport, sizeof(*tcp));
	__u32 header;

	if (!tcp)
		return false;
	header = tcp->doff * 4;
	if (header < sizeof(*tcp) || packet->transport + header > packet->end)
		return true;
	packet->source_port = tcp->source;
	packet->destination_port = tcp->dest;
	packet->tcp_flags = ((const __u8 *)tcp)[13];
	packet->payload = packet->transport + header;
	packet->row = rv_protocol_row(packet);
	return true;
}

static __always_inline bool rv_parse_udp(const struct rv_frame *frame,
					 struct rv_packet *packet)
{
	const struct udphdr *udp = rv_peek(frame, packet->transport, sizeof(*udp));

	if (!udp)
		return false;
	if (packet->transport + sizeof(*udp) > packet->end)
		return true;
	packet->source_port = udp->source;
	packet->destination_port = udp->dest;
	packet->udp_length = bpf_ntohs(udp->len);
	packet->payload = packet->transport + sizeof(*udp);
	packet->row = rv_protocol_row(packet);
	return true;
}

static __always_inline bool rv_parse_sctp(const struct rv_frame *frame,
					  struct rv_packet *packet)
{
	const struct rv_sctp_header *sctp =
		rv_peek(frame, packet->transport, sizeof(*sctp));

	if (!sctp)
		return false;
	if (packet->transport + sizeof(*sctp) > packet->end)
		return true;
	packet->source_port = sctp->source;
	packet->destination_port = sctp->destination;
	packet->row = rv_protocol_row(packet);
	return true;
}

static __always_inline bool rv_parse_icmp(const struct rv_frame *frame,
					  struct rv_packet *packet)
{
	const __u8 *icmp = rv_peek(frame, packet->transport, RV_ICMP_HEADER_BYTES);

	if (!icmp)
		return false;
	if (packet->transport + RV_ICMP_HEADER_BYTES > packet->end)
		return true;
	packet->icmp_type = icmp[0];
	packet->icmp_code = icmp[1];
	packet->row = rv_protocol_row(packet);
	return true;
}

/*
 * The header behind the IP headers. packet->row stays RV_PROTOCOL_OTHER where it cannot
 * be read. Returns false where frame->end came too early.
 */
static __always_inline bool rv_parse_transport(const struct rv_frame *frame,
					       struct rv_packet *packet, bool first)
{
	__u8 row = rv_protocol_row(packet);

	if (first && packet->protocol == IPPROTO_TCP)
		return rv_parse_tcp(frame, packet);
	if (first && packet->protocol == IPPROTO_UDP)
		return rv_parse_udp(frame, packet);
	if (first && packet->protocol == IPPROTO_SCTP)
		return rv_parse_sctp(frame, packet);
	if (first && (row == RV_PROTOCOL_IPV4_ICMP || row == RV_PROTOCOL_IPV6_ICMP))
		return rv_parse_icmp(frame, packet);
	packet->row = row;
	return true;
}

#endif
