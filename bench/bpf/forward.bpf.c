/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The least a program that forwards can do, and where forwarded frames end. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* What every frame is addressed to, as it lies in it. */
const volatile __u32 bench_addresses[3];

/* Frames of the run that ended here. The lab has one CPU. */
__u64 bench_arrived;

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} device SEC(".maps");

SEC("xdp")
int bench_forward(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return XDP_ABORTED;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);
		__u32 sum;

		if ((void *)(ip + 1) > end)
			return XDP_ABORTED;
		sum = ip->check + bpf_htons(0x0100);
		ip->check = sum + (sum >= 0xffff);
		ip->ttl--;
	} else {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_ABORTED;
		ip->hop_limit--;
	}
	for (int i = 0; i < 3; i++)
		((__u32 *)data)[i] = bench_addresses[i];
	return bpf_redirect_map(&device, 0, 0);
}

/* The links say a few things of their own, to groups. */
SEC("xdp")
int bench_sink(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	if ((void *)(data + 1) <= (void *)(long)ctx->data_end && *data == 2)
		bench_arrived++;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
