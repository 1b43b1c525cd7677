/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XDP metadata: what XDP tells tc ingress of a packet, and what a test run tells XDP.
 * Each begins with a random number, so that nobody else's is taken for ours.
 */
#ifndef RAVELIN_LIB_METADATA_H
#define RAVELIN_LIB_METADATA_H

#include <linux/bpf.h>

#include "lib/classify.h"

/* Both set at load. */
const volatile __u32 rv_metadata_magic = 0;
const volatile __u32 rv_probe_magic = 0;

/* Every bit of the skb mark that is ours. */
#define RV_MARK_ALL ((__u32)RV_MARK_OURS | 3u << RV_MARK_VERDICT_SHIFT)

/* Hands the mark to tc ingress. Where there is no room for it, tc classifies itself. */
static __always_inline void rv_xdp_hand_over(struct xdp_md *ctx, __u32 mark)
{
	struct rv_metadata *metadata;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*metadata)))
		return;
	metadata = (void *)(long)ctx->data_meta;
	if ((void *)(metadata + 1) > (void *)(long)ctx->data)
		return;
	metadata->magic = rv_metadata_magic;
	metadata->mark = mark;
}

/* What XDP handed over of the packet, or NULL. */
static __always_inline const struct rv_metadata *rv_skb_metadata(struct __sk_buff *skb)
{
	const struct rv_metadata *metadata = (void *)(long)skb->data_meta;

	if ((void *)(metadata + 1) > (void *)(long)skb->data ||
	    metadata->magic != rv_metadata_magic)
		return NULL;
	return metadata;
}

/* What is to be filled in where the packet is a probe, else NULL. */
static __always_inline struct rv_probe *rv_xdp_probe(struct xdp_md *ctx)
{
	struct rv_probe *probe = (void *)(long)ctx->data_meta;

	if ((void *)(probe + 1) > (void *)(long)ctx->data ||
	    probe->magic != rv_probe_magic)
		return NULL;
	return probe;
}

static __always_inline void rv_xdp_answer_probe(struct xdp_md *ctx,
						const struct rv_verdict *verdict,
						enum rv_reason reason)
{
	/* Found anew: what changes the frame makes pointers into it useless. */
	struct rv_probe *probe = rv_xdp_probe(ctx);

	if (!probe)
		return;
	probe->mark = rv_mark_of(verdict);
	__builtin_memcpy(probe->target, verdict->target.address, sizeof(probe->target));
	probe->target_port = verdict->target.port;
	probe->from_zone = verdict->from_zone;
	probe->to_zone = verdict->to_zone;
	probe->action = verdict->action;
	probe->reason = reason;
}

#endif
