/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which packets may be forwarded without the kernel. All others go up, whatever they are.
 */
#ifndef RAVELIN_LIB_FAST_SHAPE_H
#define RAVELIN_LIB_FAST_SHAPE_H

#include <linux/bpf.h>

#include "lib/bound.h"
#include "lib/parse.h"

/*
 * Clang reads what it believes to be unaligned byte by byte. The CPUs we run on read
 * words from anywhere.
 */
#define rv_words(pointer) __builtin_assume_aligned(pointer, 4)

#define RV_VLAN_ID 0x0fff

/* Flags and offset of IPv4 but for "do not fragment". */
#define RV_IP4_NOT_WHOLE 0xbfff

/*
 * The link layer of a frame in one word, so that it can be an argument: offset of the IP
 * header, and the VLAN id, 0 where there is no tag. 0: the frame is not for the fast
 * path.
 */
enum rv_fast_link {
	RV_FAST_NETWORK = 0x1f,
	RV_FAST_TAG_AT = 16,
};

/*
 * A packet of the right shape. Numbers only, of which the verifier knows nothing: it then
 * walks what follows once.
 */
struct rv_fast_view {
	__u32 network; /* offset of the IP header */
	__u32 tag; /* VLAN id; 0: untagged */
	__u32 length; /* of the IP packet */
	__u32 protocol;
	__u32 tcp_flags; /* 0: UDP */
	__u32 checksum; /* of the transport: its offset from the IP header */
};

/* Where the headers of a packet lie. The pointers are good for as much as is named. */
struct rv_fast_headers {
	struct ethhdr *ethernet; /* and a VLAN tag, where there is one */
	void *network;
	__u32 *ports; /* and the next word */
	__u16 *checksum; /* of the transport */
	__u64 frame; /* bytes */
};

/* enum rv_fast_link of the frame, and its Ethernet protocol. */
static __always_inline __u32 rv_fast_link_of(struct xdp_md *ctx, __be16 *protocol)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *ethernet = data;
	const struct rv_vlan_tag *tag = data + sizeof(*ethernet);
	__u32 id;

	if ((void *)(ethernet + 1) > end)
		return 0;
	*protocol = ethernet->h_proto;
	if (ethernet->h_proto != bpf_htons(ETH_P_8021Q))
		return sizeof(*ethernet);
	if ((void *)(tag + 1) > end)
		return 0;
	*protocol = tag->protocol;
	id = bpf_ntohs(tag->tci) & RV_VLAN_ID;
	/* A priority without a VLAN: what that belongs to is the kernel's to say. */
	return id ? id << RV_FAST_TAG_AT | (sizeof(*ethernet) + sizeof(*tag)) : 0;
}

/* Whether TCP or UDP of so many bytes is what conntrack would not call invalid. */
static __always_inline bool rv_fast_transport(struct rv_fast_view *view,
					      const void *transport, const void *end,
					      __u32 length, __u32 network_header)
{
	const struct udphdr *udp = transport;
	const struct tcphdr *tcp = transport;

	if (view->protocol == IPPROTO_UDP) {
		if ((const void *)(udp + 1) > end)
			return false;
		view->tcp_flags = 0;
		view->checksum = network_header + offsetof(struct udphdr, check);
		return bpf_ntohs(udp->len) >= sizeof(*udp) &&
		       bpf_ntohs(udp->len) <= length;
	}
	if (view->protocol != IPPROTO_TCP || (const void *)(tcp + 1) > end)
		return false;
	view->tcp_flags = ((const __u8 *)tcp)[13];
	view->checksum = network_header + offsetof(struct tcphdr, check);
	return tcp->doff * 4 >= sizeof(*tcp) && tcp->doff * 4 <= length;
}

static __always_inline void rv_fast_forget(struct rv_fast_view *view)
{
	view->protocol = rv_forget_bounds(view->protocol, view->length);
	view->tcp_flags = rv_forget_bounds(view->tcp_flags, view->length);
	view->checksum = rv_forget_bounds(view->checksum, view->length);
}

/*
 * IPv4 without options, not a fragment, with TTL to spare, and TCP or UDP. *ip: with the
 * first bytes of the transport.
 */
static __always_inline bool rv_fast_view4(struct xdp_md *ctx, __u32 link,
					  struct rv_fast_view *view)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct iphdr *ip = data + rv_bound(link, RV_FAST_NETWORK);

	if ((void *)(ip + 1) > end)
		return false;
	view->network = link & RV_FAST_NETWORK;
	view->tag = link >> RV_FAST_TAG_AT;
	view->length = bpf_ntohs(ip->tot_len);
	view->protocol = ip->protocol;
	if (*(const __u8 *)ip != 0x45 || (ip->frag_off & bpf_htons(RV_IP4_NOT_WHOLE)) ||
	    ip->ttl <= 1 || view->length < sizeof(*ip) ||
	    view->length > end - (void *)ip ||
	    !rv_fast_transport(view, ip + 1, end, view->length - sizeof(*ip),
			       sizeof(*ip)))
		return false;
	rv_fast_forget(view);
	return true;
}

/* The same of IPv6, without extension headers. */
static __always_inline bool rv_fast_view6(struct xdp_md *ctx, __u32 link,
					  struct rv_fast_view *view)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ipv6hdr *ip = data + rv_bound(link, RV_FAST_NETWORK);
	__u32 payload;

	if ((void *)(ip + 1) > end)
		return false;
	view->network = link & RV_FAST_NETWORK;
	view->tag = link >> RV_FAST_TAG_AT;
	payload = bpf_ntohs(ip->payload_len);
	view->length = payload + sizeof(*ip);
	view->protocol = ip->nexthdr;
	if (ip->version != 6 || ip->hop_limit <= 1 || view->length > end - (void *)ip ||
	    !rv_fast_transport(view, ip + 1, end, payload, sizeof(*ip)))
		return false;
	rv_fast_forget(view);
	return true;
}

/*
 * Finds the headers of a packet of the right shape; network_header: bytes of the IP
 * header. False: the frame is another.
 */
static __always_inline bool rv_fast_headers(struct xdp_md *ctx,
					    const struct rv_fast_view *view,
					    __u32 network_header,
					    struct rv_fast_headers *headers)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	headers->frame = end - data;
	headers->ethernet = data;
	headers->network = data + rv_bound(view->network, RV_FAST_NETWORK);
	headers->ports = headers->network + network_header;
	headers->checksum = headers->network + rv_bound(view->checksum, 0x3f);
	return data + sizeof(struct ethhdr) + sizeof(struct rv_vlan_tag) <= end &&
	       (void *)(headers->ports + 2) <= end &&
	       (void *)(headers->checksum + 1) <= end;
}

#endif
