/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a packet has its checksum. What a guest of this host sends has only a beginning
 * of it, for a network card to finish (CHECKSUM_PARTIAL), and XDP would forward it as it
 * is.
 */
#ifndef RAVELIN_LIB_FAST_CHECKSUM_H
#define RAVELIN_LIB_FAST_CHECKSUM_H

#include "lib/checksum.h"
#include "lib/fast_shape.h"

enum rv_fast_checksum_limit {
	RV_CHUNK_BYTES = 128,
	/* XDP has no frames longer than a page. */
	RV_CHUNKS = 4096 / RV_CHUNK_BYTES,
};

/*
 * Sum of the bytes at the offset, not folded; negative: there are too many, or the frame
 * has not so many. Global, so that the verifier walks the loop once, and for its stack.
 */
__noinline long rv_fast_sum(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	__u32 chunk[RV_CHUNK_BYTES / 4];
	long sum = 0;

	for (int i = 0; i < RV_CHUNKS; i++) {
		if (length >= RV_CHUNK_BYTES) {
			if (bpf_xdp_load_bytes(ctx, offset, chunk, RV_CHUNK_BYTES))
				return -1;
			sum = bpf_csum_diff(NULL, 0, chunk, RV_CHUNK_BYTES, sum);
			offset += RV_CHUNK_BYTES;
			length -= RV_CHUNK_BYTES;
			continue;
		}
		if (!length)
			return sum;
		__builtin_memset(chunk, 0, sizeof(chunk));
		length = rv_bound(length, RV_CHUNK_BYTES - 1);
		if (!length || bpf_xdp_load_bytes(ctx, offset, chunk, length))
			return -1;
		return bpf_csum_diff(NULL, 0, chunk, RV_CHUNK_BYTES, sum);
	}
	return -1;
}

/*
 * Whether the transport checksum is right, or UDP does without one. addresses: of the IP
 * header, so many words.
 */
static __always_inline bool rv_fast_checksum_right(struct xdp_md *ctx,
						   const struct rv_fast_view *view,
						   const struct rv_fast_headers *headers,
						   const __be32 *addresses, int words)
{
	__u32 at = (void *)headers->ports - headers->network;
	__u32 length = view->length - at;
	__u64 sum;
	long rest;

	if (view->protocol == IPPROTO_UDP) {
		if (!*headers->checksum)
			return true;
		length = bpf_ntohs(((const struct udphdr *)headers->ports)->len);
	}
	sum = bpf_htons(view->protocol) + bpf_htons(length);
	for (int i = 0; i < words; i++)
		sum += addresses[i];
	rest = rv_fast_sum(ctx, view->network + at, length);
	return rest >= 0 && rv_fold(sum + (__u64)rest) == 0xffff;
}

#endif
