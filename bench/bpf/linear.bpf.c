/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A peer of the classifier: the rules one after the other. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Rules in "rules4" or "rules6". A map value would do; a constant may be 0. */
struct count {
	__u32 rules;
	__u32 pad;
	__u64 dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct count);
} counts SEC(".maps");

/* Addresses as in the packet; ports in host order. */
struct rule4 {
	__be32 address[2]; /* source, destination */
	__be32 mask[2];
	__u16 port[2]; /* destination, first and last */
	__u16 protocol; /* 0: any */
	__u16 pad;
};

struct rule6 {
	__u64 address[4];
	__u64 mask[4];
	__u16 port[2];
	__u16 protocol;
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rule4);
} rules4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rule6);
} rules6 SEC(".maps");

struct packet {
	__u64 address[4];
	__u16 port;
	__u16 protocol;
	__u32 matched;
};

static long try4(__u32 index, struct packet *packet)
{
	const struct rule4 *rule = bpf_map_lookup_elem(&rules4, &index);
	const __be32 *address = (const __be32 *)packet->address;

	if (!rule)
		return 1;
	if ((address[0] & rule->mask[0]) != rule->address[0] ||
	    (address[1] & rule->mask[1]) != rule->address[1] ||
	    packet->port < rule->port[0] || packet->port > rule->port[1] ||
	    (rule->protocol && rule->protocol != packet->protocol))
		return 0;
	packet->matched = index;
	return 1;
}

static long try6(__u32 index, struct packet *packet)
{
	const struct rule6 *rule = bpf_map_lookup_elem(&rules6, &index);

	if (!rule)
		return 1;
	for (int i = 0; i < 4; i++)
		if ((packet->address[i] & rule->mask[i]) != rule->address[i])
			return 0;
	if (packet->port < rule->port[0] || packet->port > rule->port[1] ||
	    (rule->protocol && rule->protocol != packet->protocol))
		return 0;
	packet->matched = index;
	return 1;
}

SEC("xdp")
int bench_linear(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	struct packet packet = {};
	struct count *count;
	struct tcphdr *tcp;
	__u32 zero = 0;

	count = bpf_map_lookup_elem(&counts, &zero);
	if (!count || (void *)(ethernet + 1) > end)
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(ethernet + 1);

		tcp = (void *)(ip + 1);
		if ((void *)(tcp + 1) > end)
			return XDP_PASS;
		__builtin_memcpy(packet.address, &ip->saddr, 8);
		packet.protocol = ip->protocol;
		if (packet.protocol != IPPROTO_TCP)
			return XDP_PASS;
		packet.port = bpf_ntohs(tcp->dest);
		bpf_loop(count->rules, try4, &packet, 0);
	} else {
		struct ipv6hdr *ip = (void *)(ethernet + 1);

		tcp = (void *)(ip + 1);
		if ((void *)(tcp + 1) > end)
			return XDP_PASS;
		__builtin_memcpy(packet.address, &ip->saddr, 32);
		packet.protocol = ip->nexthdr;
		if (packet.protocol != IPPROTO_TCP)
			return XDP_PASS;
		packet.port = bpf_ntohs(tcp->dest);
		bpf_loop(count->rules, try6, &packet, 0);
	}
	count->dropped++;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
