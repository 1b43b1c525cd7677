/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The least a program can do: the floor every figure is a ratio to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int bench_drop(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_DROP;
}

SEC("xdp")
int bench_pass(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}

SEC("classifier")
int bench_next(struct __sk_buff *skb __attribute__((unused)))
{
	return -1; /* TCX_NEXT */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
