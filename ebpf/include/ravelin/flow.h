/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_FLOW_H
#define RAVELIN_FLOW_H

#include <linux/types.h>

/*
 * Keys of "flow_map4" and "flow_map6": one entry per direction of a connection. Addresses
 * and ports in network order; ports 0 where the protocol has none (ICMP: both 0).
 */
struct rv_flow_key4 {
	__be32 source;
	__be32 destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 ifindex; /* where it came in; 0: sent by this box */
	__u8 protocol;
	__u8 pad[7];
};

struct rv_flow_key6 {
	__u8 source[16];
	__u8 destination[16];
	__be16 source_port;
	__be16 destination_port;
	__u32 ifindex;
	__u8 protocol;
	__u8 pad[7];
};

/* Value of both flow maps. Times are CLOCK_MONOTONIC_COARSE. */
struct rv_flow {
	__u64 packets;
	__u64 bytes;
	__u64 first_seen_ns;
	__u64 last_seen_ns;
	__u8 tcp_flags; /* every flag seen so far, as in byte 13 of the TCP header */
	__u8 pad[7];
};

#endif
