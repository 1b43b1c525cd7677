/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A peer: sources dropped by the kernel's longest-prefix-match trie. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct key4 {
	__u32 length;
	__u8 address[4];
};

struct key6 {
	__u32 length;
	__u8 address[16];
};

/* Set to the size of the list at load. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct key4);
	__type(value, __u32);
} listed4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct key6);
	__type(value, __u32);
} listed6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} dropped SEC(".maps");

SEC("xdp")
int bench_lpm(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u32 zero = 0;
	void *listed;
	__u64 *count;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);
		struct key4 key = {.length = 32};

		if ((void *)(ip + 1) > end)
			return XDP_PASS;
		__builtin_memcpy(key.address, &ip->saddr, sizeof(key.address));
		listed = bpf_map_lookup_elem(&listed4, &key);
	} else {
		struct ipv6hdr *ip = (void *)(eth + 1);
		struct key6 key = {.length = 128};

		if ((void *)(ip + 1) > end)
			return XDP_PASS;
		__builtin_memcpy(key.address, &ip->saddr, sizeof(key.address));
		listed = bpf_map_lookup_elem(&listed6, &key);
	}
	if (!listed)
		return XDP_PASS;
	count = bpf_map_lookup_elem(&dropped, &zero);
	if (count)
		(*count)++;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
