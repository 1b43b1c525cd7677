/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Headers of packets we make ourselves. */
#ifndef RAVELIN_LIB_MAKE_H
#define RAVELIN_LIB_MAKE_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "lib/checksum.h"
#include "lib/packet.h"

#define RV_REPLY_TTL	 64
#define RV_DONT_FRAGMENT 0x4000

/* The IP side of a packet to be made: no options, no extension headers. */
struct rv_made {
	__u8 family;
	__u8 protocol;
	__u8 ttl;
	__be32 source[4];
	__be32 destination[4];
};

/* A packet back to the sender of the one that came. */
static __always_inline struct rv_made rv_made_reply(const struct rv_packet *packet)
{
	struct rv_made made = {
		.family = packet->family,
		.protocol = packet->protocol,
		.ttl = RV_REPLY_TTL,
	};

	__builtin_memcpy(made.source, packet->destination, sizeof(made.source));
	__builtin_memcpy(made.destination, packet->source, sizeof(made.destination));
	return made;
}

static __always_inline __u32 rv_made_header(const struct rv_made *made)
{
	return made->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* length: of transport header and payload. */
static __always_inline struct iphdr rv_make_ip4(const struct rv_made *made, __u32 length)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(struct iphdr) / 4,
		.tot_len = bpf_htons(sizeof(struct iphdr) + length),
		.frag_off = bpf_htons(RV_DONT_FRAGMENT),
		.ttl = made->ttl,
		.protocol = made->protocol,
		.saddr = made->source[0],
		.daddr = made->destination[0],
	};

	ip.check = ~rv_sum(&ip, sizeof(ip));
	return ip;
}

static __always_inline struct ipv6hdr rv_make_ip6(const struct rv_made *made,
						  __u32 length)
{
	struct ipv6hdr ip = {
		.version = 6,
		.payload_len = bpf_htons(length),
		.nexthdr = made->protocol,
		.hop_limit = made->ttl,
	};

	__builtin_memcpy(&ip.saddr, made->source, sizeof(ip.saddr));
	__builtin_memcpy(&ip.daddr, made->destination, sizeof(ip.daddr));
	return ip;
}

static __always_inline __u16 rv_pseudo_sum(const struct rv_made *made, __u32 length)
{
	__u64 sum = bpf_htons(made->protocol) + bpf_htons(length);

	for (int i = 0; i < 4; i++)
		sum += (__u64)made->source[i] + made->destination[i];
	return rv_fold(sum);
}

/* The UDP header of a reply with a payload of that length, checksum 0. */
static __always_inline struct udphdr rv_make_udp(const struct rv_packet *packet,
						 __u32 payload)
{
	return (struct udphdr){
		.source = packet->destination_port,
		.dest = packet->source_port,
		.len = bpf_htons(sizeof(struct udphdr) + payload),
	};
}

/* Addresses of an Ethernet header. */
struct rv_macs {
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
};

static __always_inline struct rv_macs rv_macs_reversed(const struct rv_macs *macs)
{
	struct rv_macs reversed;

	__builtin_memcpy(reversed.destination, macs->source, ETH_ALEN);
	__builtin_memcpy(reversed.source, macs->destination, ETH_ALEN);
	return reversed;
}

/* Nothing may be sent in the name of a group address. */
static __always_inline bool rv_macs_to_group(const struct rv_macs *macs)
{
	return macs->destination[0] & 1;
}

#endif
