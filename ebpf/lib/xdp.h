/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading an xdp_md as a frame. */
#ifndef RAVELIN_LIB_XDP_H
#define RAVELIN_LIB_XDP_H

#include <linux/bpf.h>

#include "lib/parse.h"

/* A global function for the reason rv_skb_parse() is one. */
__noinline int rv_xdp_parse(struct xdp_md *ctx, struct rv_packet *packet)
{
	struct rv_frame frame = {
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
		.length = ctx->data_end - ctx->data,
	};

	if (!packet)
		return -1;
	rv_parse(&frame, packet);
	return 0;
}

#endif
