/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ethernet, up to two VLAN tags, IPv4, IPv6 with its extension headers, TCP, UDP, SCTP,
 * ICMP.
 * What cannot be read is nobody's to judge: it goes up to the kernel as
 * RV_PROTOCOL_OTHER.
 */
#ifndef RAVELIN_LIB_PARSE_H
#define RAVELIN_LIB_PARSE_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "lib/parse_transport.h"

enum rv_parse_limit {
	RV_VLAN_TAGS_MAX = 2,
	/*
	 * More than RFC 8200 section 4.1 recommends in a row, destination options
	 * twice.
	 */
	RV_EXTENSIONS_MAX = 7,
};

struct rv_vlan_tag {
	__be16 tci;
	__be16 protocol;
};

/* Hop-by-hop, routing, destination options; AH differs in the unit of length. */
struct rv_extension {
	__u8 next;
	__u8 length;
};

struct rv_fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset; /* 13 bits, 2 reserved, M */
	__be32 id;
};

#define RV_IP4_FRAGMENT 0x3fff /* offset and MF, RFC 791 section 3.1 */
#define RV_IP4_OFFSET	0x1fff
#define RV_IP6_FRAGMENT 0xfff9 /* RFC 8200 section 4.5 */
#define RV_IP6_OFFSET	0xfff8
/* The first word of an IPv6 header but for the version. */
#define RV_IP6_FLOW_INFO 0x0fffffff

/*
 * Sets packet->end. Offloaded packets longer than the field can say have 0 there (BIG
 * TCP): they reach to the end of the frame. False: the frame does not hold the packet.
 */
static __always_inline bool rv_set_end(const struct rv_frame *frame,
				       struct rv_packet *packet, __u32 header,
				       __u32 length)
{
	__u32 rest = frame->length - packet->network;

	if (length == header && rest > 0xffff + header)
		length = rest;
	packet->end = packet->network + length;
	return length <= rest;
}

static __always_inline bool rv_parse_ipv4(const struct rv_frame *frame,
					  struct rv_packet *packet)
{
	const struct iphdr *ip = rv_peek(frame, packet->network, sizeof(*ip));
	__u32 header, length;
	__u16 fragment;

	if (!ip)
		return false;
	header = ip->ihl * 4;
	length = bpf_ntohs(ip->tot_len);
	if (!length)
		length = header;
	if (ip->version != 4 || header < sizeof(*ip) || length < header ||
	    !rv_set_end(frame, packet, header, length))
		return true;
	fragment = bpf_ntohs(ip->frag_off);
	packet->family = 4;
	packet->protocol = ip->protocol;
	packet->traffic_class = ip->tos;
	packet->source[0] = ip->saddr;
	packet->destination[0] = ip->daddr;
	packet->fragment = fragment & RV_IP4_FRAGMENT;
	packet->transport = packet->network + header;
	return rv_parse_transport(frame, packet, !(fragment & RV_IP4_OFFSET));
}

/*
 * Steps over one extension header; *done where the header at packet->transport is none.
 * *first says whether the packet is, or begins with, the first fragment.
 */
static __always_inline bool rv_step_extension(const struct rv_frame *frame,
					      struct rv_packet *packet, bool *first,
					      bool *done)
{
	const struct rv_fragment_header *fragment;
	const struct rv_extension *extension;

	switch (packet->protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		extension = rv_peek(frame, packet->transport, sizeof(*extension));
		if (!extension)
			return false;
		packet->protocol = extension->next;
		packet->transport += (extension->length + 1) * 8;
		return true;
	case IPPROTO_AH:
		extension = rv_peek(frame, packet->transport, sizeof(*extension));
		if (!extension)
			return false;
		packet->protocol = extension->next;
		packet->transport += (extension->length + 2) * 4;
		return true;
	case IPPROTO_FRAGMENT:
		fragment = rv_peek(frame, packet->transport, sizeof(*fragment));
		if (!fragment)
			return false;
		packet->protocol = fragment->next;
		packet->transport += sizeof(*fragment);
		/* Neither offset nor M: an atomic fragment, a whole packet (RFC 6946). */
		if (fragment->offset & bpf_htons(RV_IP6_FRAGMENT))
			packet->fragment = true;
		if (fragment->offset & bpf_htons(RV_IP6_OFFSET)) {
			*first = false;
			*done = true;
		}
		return true;
	default:
		*done = true;
		return true;
	}
}

static __always_inline bool rv_parse_ipv6(const struct rv_frame *frame,
					  struct rv_packet *packet)
{
	const struct ipv6hdr *ip = rv_peek(frame, packet->network, sizeof(*ip));
	bool first = true, done = false;

	if (!ip)
		return false;
	if (ip->version != 6 || !rv_set_end(frame, packet, sizeof(*ip),
					    sizeof(*ip) + bpf_ntohs(ip->payload_len)))
		return true;
	packet->family = 6;
	packet->protocol = ip->nexthdr;
	packet->flow_label = *(const __be32 *)ip & bpf_htonl(RV_IP6_FLOW_INFO);
	__builtin_memcpy(packet->source, &ip->saddr, sizeof(packet->source));
	__builtin_memcpy(packet->destination, &ip->daddr, sizeof(packet->destination));
	packet->transport = packet->network + sizeof(*ip);
	for (int i = 0; i <= RV_EXTENSIONS_MAX; i++) {
		if (!rv_step_extension(frame, packet, &first, &done))
			return false;
		if (packet->transport > packet->end)
			return true;
		if (done)
			return rv_parse_transport(frame, packet, first);
	}
	return true;
}

/*
 * Returns false where frame->end came too early: with more of the frame there, the same
 * call may find more. *packet can be used either way.
 */
static __always_inline bool rv_parse(const struct rv_frame *frame,
				     struct rv_packet *packet)
{
	const struct ethhdr *ethernet = rv_peek(frame, 0, sizeof(*ethernet));
	const struct rv_vlan_tag *tag;
	__be16 protocol;

	__builtin_memset(packet, 0, sizeof(*packet));
	if (!ethernet)
		return false;
	protocol = ethernet->h_proto;
	packet->network = sizeof(*ethernet);
	for (int i = 0; i < RV_VLAN_TAGS_MAX; i++) {
		if (protocol != bpf_htons(ETH_P_8021Q) &&
		    protocol != bpf_htons(ETH_P_8021AD))
			break;
		tag = rv_peek(frame, packet->network, sizeof(*tag));
		if (!tag)
			return false;
		protocol = tag->protocol;
		packet->network += sizeof(*tag);
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return rv_parse_ipv4(frame, packet);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return rv_parse_ipv6(frame, packet);
	return true;
}

#endif
