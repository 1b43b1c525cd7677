/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading an skb as a frame. */
#ifndef RAVELIN_LIB_SKB_H
#define RAVELIN_LIB_SKB_H

#include <linux/bpf.h>

#include "lib/parse.h"

/* A tag the kernel took out of the frame still was on the wire. */
#define RV_VLAN_TAG_BYTES 4

/* Headers are looked for in this many bytes at most. */
#define RV_SKB_HEADERS_MAX 1024

static __always_inline struct rv_frame rv_skb_frame(const struct __sk_buff *skb)
{
	return (struct rv_frame){
		.data = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.length = skb->len,
	};
}

/*
 * Parses what can be read directly; 1 where that was too little. A global function, so
 * that the verifier walks the parser once and its callers know nothing of the paths.
 */
__noinline int rv_skb_parse_linear(struct __sk_buff *skb, struct rv_packet *packet)
{
	struct rv_frame frame = rv_skb_frame(skb);

	if (!packet)
		return -1;
	return !rv_parse(&frame, packet) && frame.data + frame.length > frame.end;
}

/* Parses; headers that lie outside the linear data are pulled in, once. */
static __always_inline void rv_skb_parse(struct __sk_buff *skb, struct rv_packet *packet)
{
	__u32 pull = skb->len;

	if (!rv_skb_parse_linear(skb, packet))
		return;
	if (pull > RV_SKB_HEADERS_MAX)
		pull = RV_SKB_HEADERS_MAX;
	if (!bpf_skb_pull_data(skb, pull))
		rv_skb_parse_linear(skb, packet);
}

/* Packets on the wire this skb was, or will be. */
static __always_inline __u32 rv_skb_packets(const struct __sk_buff *skb)
{
	return skb->gso_segs > 1 ? skb->gso_segs : 1;
}

static __always_inline __u32 rv_skb_tag_bytes(const struct __sk_buff *skb)
{
	return skb->vlan_present ? RV_VLAN_TAG_BYTES : 0;
}

#endif
