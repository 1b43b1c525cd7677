/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Traffic source for the benchmarks, run as live frames by BPF_PROG_TEST_RUN. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Where frames go. */
const volatile __u32 bench_ifindex;

/* Size of "sources", a power of two, - 1. */
const volatile __u32 bench_sources_mask;

/* An IPv4 address is followed by the checksum of the header that has it. */
struct address {
	__u8 bytes[16];
};

/* Sources in the order they are sent; user space sizes and fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct address);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sent SEC(".maps");

SEC("xdp")
int bench_generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct address *source;
	__u32 zero = 0, index;
	__u64 *count;

	count = bpf_map_lookup_elem(&sent, &zero);
	if (!count || (void *)(eth + 1) > end)
		return XDP_ABORTED;
	index = (*count)++ & bench_sources_mask;
	source = bpf_map_lookup_elem(&sources, &index);
	if (!source)
		return XDP_ABORTED;

	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_ABORTED;
		__builtin_memcpy(&ip->saddr, source->bytes, 4);
		__builtin_memcpy(&ip->check, source->bytes + 4, 2);
	} else {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_ABORTED;
		__builtin_memcpy(&ip->saddr, source->bytes, 16);
	}
	return bpf_redirect(bench_ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
