/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The interface a packet would leave by. */
#ifndef RAVELIN_LIB_FIB_H
#define RAVELIN_LIB_FIB_H

#include <linux/bpf.h>

#include "lib/dnat.h"

/* <sys/socket.h> wants a C library. */
#define RV_AF_INET  2
#define RV_AF_INET6 10

enum rv_route {
	RV_ROUTE_UNKNOWN, /* unreachable, prohibited, not forwarded here, … */
	RV_ROUTE_LOCAL, /* for this box */
	RV_ROUTE_OUT, /* by *ifindex */
};

/* Link-local, loopback or multicast: what has such an address is never forwarded. */
static __always_inline bool rv_stays_on_link6(const __be32 *address)
{
	__u32 first = bpf_ntohl(address[0]);

	return first >> 22 == 0xfe80 >> 6 || first >> 24 == 0xff ||
	       !(address[0] | address[1] | address[2] | (address[3] ^ bpf_htonl(1)));
}

/*
 * Asks the routing table as the kernel will after translation. *ifindex: where the packet
 * came in, then where it goes.
 */
static __always_inline enum rv_route rv_route(void *ctx, const struct rv_packet *packet,
					      const struct rv_target *target,
					      __u32 *ifindex)
{
	struct bpf_fib_lookup fib = {
		.ifindex = *ifindex,
		.l4_protocol = packet->protocol,
		.sport = packet->source_port,
		.dport = target->port,
		/* Shorter than any MTU, which is not judged here; 0 would have tc look.
		 */
		.tot_len = 1,
	};
	long result;

	if (packet->family == 4) {
		fib.family = RV_AF_INET;
		fib.tos = packet->traffic_class;
		fib.ipv4_src = packet->source[0];
		fib.ipv4_dst = target->address[0];
	} else {
		/* The kernel's answer would be "not forwarded", wherever it goes. */
		if (rv_stays_on_link6(packet->source) &&
		    !rv_stays_on_link6(target->address))
			return RV_ROUTE_UNKNOWN;
		fib.family = RV_AF_INET6;
		fib.flowinfo = packet->flow_label;
		__builtin_memcpy(fib.ipv6_src, packet->source, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, target->address, sizeof(fib.ipv6_dst));
	}
	result = bpf_fib_lookup(ctx, &fib, sizeof(fib), BPF_FIB_LOOKUP_SKIP_NEIGH);
	if (result == BPF_FIB_LKUP_RET_NOT_FWDED)
		return RV_ROUTE_LOCAL;
	if (result != BPF_FIB_LKUP_RET_SUCCESS)
		return RV_ROUTE_UNKNOWN;
	*ifindex = fib.ifindex;
	return RV_ROUTE_OUT;
}

#endif
