/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Traffic source for rules: as "generate", with other headers in every frame. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

/* Where frames go. */
const volatile __u32 bench_ifindex;

/* Size of "headers", a power of two, - 1. */
const volatile __u32 bench_headers_mask;

/* What follows the Ethernet header. */
struct headers {
	__u8 bytes[60];
	__u32 pad;
};

/* In the order they are sent; user space sizes and fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct headers);
} headers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sent SEC(".maps");

SEC("xdp")
int bench_replay(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct headers *found;
	__u32 zero = 0, index;
	__u64 *count;
	struct frame {
		struct ethhdr ethernet;
		__u8 headers[sizeof(found->bytes)];
	} __attribute__((packed)) *frame = data;

	count = bpf_map_lookup_elem(&sent, &zero);
	if (!count || (void *)(frame + 1) > end)
		return XDP_ABORTED;
	index = (*count)++ & bench_headers_mask;
	found = bpf_map_lookup_elem(&headers, &index);
	if (!found)
		return XDP_ABORTED;
	__builtin_memcpy(frame->headers, found->bytes, sizeof(frame->headers));
	return bpf_redirect(bench_ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
