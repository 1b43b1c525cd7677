/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Making the frame that leaves of the one that came. */
#ifndef RAVELIN_LIB_FAST_REWRITE_H
#define RAVELIN_LIB_FAST_REWRITE_H

#include "lib/checksum.h"
#include "lib/fast_path.h"

/* RFC 1624, eqn. 3; delta: what the complement grows by. */
static __always_inline __u16 rv_fast_patched(__u16 checksum, __u32 delta)
{
	__u32 sum = (__u16)~checksum + delta;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/*
 * Puts a tag in or takes it away. Nonzero: there is no room, the frame is as it was.
 * Global, so that the verifier knows of one place where pointers become useless.
 */
__noinline int rv_fast_retag(struct xdp_md *ctx, __u32 push)
{
	const int size = sizeof(struct rv_vlan_tag);

	return bpf_xdp_adjust_head(ctx, push ? -size : size);
}

static __always_inline bool rv_fast_fits(const struct rv_fast_view *view,
					 const struct rv_fast_way *way)
{
	return !way->path.egress_tag == !view->tag;
}

/* Makes room for the tag of the way, or takes away what is too much. */
static __always_inline bool rv_fast_make_room(struct xdp_md *ctx,
					      struct rv_fast_view *view,
					      const struct rv_fast_way *way)
{
	const __u32 size = sizeof(struct rv_vlan_tag);
	__u32 tag = way->path.egress_tag;

	view->network = tag ? view->network + size : view->network - size;
	return !rv_fast_retag(ctx, tag);
}

/* Gives the frame the addresses and the tag of its way. */
static __always_inline void rv_fast_link(const struct rv_fast_headers *headers,
					 const struct rv_fast_way *way)
{
	const __u32 *from = rv_words(way->path.destination_mac);
	struct rv_vlan_tag *tag = (void *)(headers->ethernet + 1);
	__u32 *to = rv_words(headers->ethernet->h_dest);

	/* Both addresses, which lie one behind the other. */
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	if (way->path.egress_tag) {
		headers->ethernet->h_proto = bpf_htons(ETH_P_8021Q);
		tag->tci = bpf_htons(way->path.egress_tag);
	}
}

static __always_inline void rv_fast_transport_checksum(__u16 *checksum, __u32 protocol,
						       __u16 delta)
{
	__u16 before = *checksum, after = rv_fast_patched(before, delta);

	if (protocol == IPPROTO_UDP) {
		/* 0 means: no checksum (RFC 768). */
		if (!before)
			return;
		after = after ?: 0xffff;
	}
	*checksum = after;
}

static __always_inline void rv_fast_rewrite4(const struct rv_fast_headers *headers,
					     const struct rv_fast_flow4 *flow)
{
	/* The TTL is the first byte of its word. */
	__u32 delta = bpf_htons(0xfeff);
	struct iphdr *ip = headers->network;

	if (flow->flags & RV_FAST_TRANSLATED) {
		ip->saddr = flow->translated.source;
		ip->daddr = flow->translated.destination;
		*headers->ports = *(const __u32 *)rv_words(&flow->translated.source_port);
		rv_fast_transport_checksum(headers->checksum, flow->protocol,
					   flow->rest.transport_delta);
		delta += flow->rest.network_delta;
	}
	ip->ttl--;
	ip->check = rv_fast_patched(ip->check, delta);
}

static __always_inline void rv_fast_rewrite6(const struct rv_fast_headers *headers,
					     const struct rv_fast_flow6 *flow)
{
	struct ipv6hdr *ip = headers->network;

	if (flow->flags & RV_FAST_TRANSLATED) {
		__builtin_memcpy(rv_words(&ip->saddr), rv_words(flow->translated.source),
				 16);
		__builtin_memcpy(rv_words(&ip->daddr),
				 rv_words(flow->translated.destination), 16);
		*headers->ports = *(const __u32 *)rv_words(&flow->translated.source_port);
		rv_fast_transport_checksum(headers->checksum, flow->protocol,
					   flow->rest.transport_delta);
	}
	ip->hop_limit--;
}

#endif
