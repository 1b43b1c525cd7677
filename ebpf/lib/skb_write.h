/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Replacing what an skb carries. */
#ifndef RAVELIN_LIB_SKB_WRITE_H
#define RAVELIN_LIB_SKB_WRITE_H

#include <linux/tcp.h>

#include "lib/make.h"
#include "maps/dns.h"

/* A transport header with its payload in the scratch. */
struct rv_transport {
	const void *header;
	__u32 header_length;
	__u32 check_at; /* offset of the checksum in the header */
	__u32 message; /* bytes of the scratch's message that follow */
	struct rv_sums sums;
};

/*
 * Completes the checksum at offset, which holds the sum of the pseudo header.
 *
 * Where the sender left the checksum to the network card (CHECKSUM_PARTIAL, seen from
 * veth and virtio), that is what the field must hold, and net/core/utils.c leaves it
 * alone in inet_proto_csum_replace_by_diff(). Everywhere else that function makes
 * ~(~field + difference) of it, hence the second pseudo sum in the difference.
 *
 * False: the kernel would complete it at another place, where the header once was.
 */
static __always_inline bool rv_skb_seal(struct __sk_buff *skb, __u32 offset,
					struct rv_sums sums, bool moved)
{
	__u32 difference = rv_fold(2ull * sums.pseudo + sums.rest);
	__u16 check = 0;

	if (bpf_l4_csum_replace(skb, offset, 0, difference, BPF_F_MARK_MANGLED_0) ||
	    bpf_skb_load_bytes(skb, offset, &check, sizeof(check)))
		return false;
	if (moved && check == sums.pseudo)
		return false;
	/* For CHECKSUM_COMPLETE; refused, rightly, for every other. */
	bpf_csum_update(skb, rv_fold((__u16)~sums.pseudo + check));
	return true;
}

static __always_inline bool rv_skb_write_ip(struct __sk_buff *skb, __u32 at,
					    const struct rv_made *made, __u32 length)
{
	if (made->family == 4) {
		struct iphdr ip = rv_make_ip4(made, length);

		return !bpf_skb_store_bytes(skb, at, &ip, sizeof(ip),
					    BPF_F_RECOMPUTE_CSUM);
	} else {
		struct ipv6hdr ip = rv_make_ip6(made, length);

		return !bpf_skb_store_bytes(skb, at, &ip, sizeof(ip),
					    BPF_F_RECOMPUTE_CSUM);
	}
}

static __always_inline bool rv_skb_write_macs(struct __sk_buff *skb,
					      const struct rv_macs *macs)
{
	return !bpf_skb_store_bytes(skb, 0, macs, sizeof(*macs), 0);
}

/*
 * Makes the skb the packet of made, transport and, from the scratch, payload. False: the
 * skb is spoilt, nobody may see it.
 */
static __always_inline bool rv_skb_write(struct __sk_buff *skb,
					 const struct rv_packet *packet,
					 const struct rv_made *made,
					 const struct rv_transport *transport,
					 const struct rv_dns_scratch *scratch)
{
	__u32 at = packet->network + rv_made_header(made);
	__u32 length = transport->header_length + transport->message;

	return !bpf_skb_change_tail(skb, at + length, 0) &&
	       rv_skb_write_ip(skb, packet->network, made, length) &&
	       !bpf_skb_store_bytes(skb, at, transport->header, transport->header_length,
				    BPF_F_RECOMPUTE_CSUM) &&
	       (!transport->message ||
		!bpf_skb_store_bytes(skb, at + transport->header_length, scratch->message,
				     transport->message, BPF_F_RECOMPUTE_CSUM)) &&
	       rv_skb_seal(skb, at + transport->check_at, transport->sums,
			   at != packet->transport);
}

#endif
