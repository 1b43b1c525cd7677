/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Traffic source for rules: as "generate", every frame another. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Where frames go. */
const volatile __u32 bench_ifindex;

/* Size of "frames", a power of two, - 1. */
const volatile __u32 bench_frames_mask;

/* Ethernet header and 60 bytes. */
struct frame {
	__u64 words[9];
	__u16 last;
	__u16 pad[3];
};

/* In the order they are sent; user space sizes and fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frame);
} frames SEC(".maps");

/* Frames sent. The lab has one CPU. */
__u32 bench_sent;

/* Writes all of the frame: it has been sent before, and whoever got it may have changed
 * it. */
SEC("xdp")
int bench_replay(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct frame *found;
	__u32 index = bench_sent++ & bench_frames_mask;

	if ((void *)(&frame->last + 1) > end)
		return XDP_ABORTED;
	found = bpf_map_lookup_elem(&frames, &index);
	if (!found)
		return XDP_ABORTED;
	for (int i = 0; i < 9; i++)
		frame->words[i] = found->words[i];
	frame->last = found->last;
	return bpf_redirect(bench_ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
