/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow cache: connections that conntrack knows and XDP may forward by itself. It may
 * be empty at any moment without harm; what is not in it, or does not fit it, goes up.
 *
 * A connection has a flow for each direction. A flow lies in a slot of "fast_flow4" or
 * "fast_flow6" and is found by "fast_index4" or "fast_index6". The two of a connection
 * lie side by side: the original direction in an even slot, the reply in the odd one
 * after it. User space writes a flow before a bucket names its slot, takes the slot out
 * of the bucket before it writes there again, and waits for a grace period in between.
 * Programs write the path, state and rv_fast_counts only.
 */
#ifndef RAVELIN_FAST_H
#define RAVELIN_FAST_H

#include <linux/stddef.h>
#include <linux/types.h>

enum rv_fast_limit {
	/* Words of a bucket, one cache line. */
	RV_FAST_BUCKET_WORDS = 16,
	/* A word is tag << RV_FAST_SLOT_BITS | slot. Slots 0 and 1 are never used: word 0
	 * is free. */
	RV_FAST_SLOT_BITS = 22,
	RV_FAST_SLOT = 0x003fffff,
	/* The tag is hash >> this, the bucket hash & bucket_mask. A flow may be in any
	 * word of its bucket. */
	RV_FAST_TAG_SHIFT = 54,
	/* rv_fast_path.generation while a program writes the path. Never a generation. */
	RV_FAST_LEARNING = 0xffffffff,
};

/* Value of "fast_index4" and "fast_index6". */
struct rv_fast_bucket {
	__u32 words[RV_FAST_BUCKET_WORDS];
};

enum rv_fast_state {
	RV_FAST_LIVE = 1,
	/* FIN or RST was seen in either direction: everything goes up. Set by programs.
	 */
	RV_FAST_ENDED = 2,
	/* Was idle so long that conntrack may have forgotten it. Set by programs. */
	RV_FAST_IDLE = 3,
};

enum rv_fast_flag {
	/* "translated" differs from "key". */
	RV_FAST_TRANSLATED = 1 << 0,
};

/* Why a flow is not forwarded by XDP for now. Stable numbers. */
enum rv_fast_refusal {
	RV_FAST_FITS = 0,
	RV_FAST_NO_ROUTE = 1, /* none, prohibited, a tunnel, … */
	RV_FAST_NO_NEIGHBOUR = 2, /* the next hop's Ethernet address is not known */
	RV_FAST_ASYMMETRIC = 3, /* the way back leaves by another interface */
	RV_FAST_LOCAL = 4, /* for this box */
	RV_FAST_PORT = 5, /* the output interface cannot be redirected to */
	RV_FAST_CHECKSUM = 6, /* came without its checksum: from a guest of this host */
	RV_FAST_SOURCE_LISTED = 7, /* ddos_protection lists its source */
};

/*
 * The way of a flow, which XDP learns from its first packet in each generation. Seqlock:
 * valid where "generation" is the current one before and after reading.
 */
struct rv_fast_path {
	__u32 generation; /* of rv_fast_control; 0: not learned */
	__u32 ingress; /* ifindex of the device whose XDP sees it */
	__u32 egress; /* ifindex of the device it is redirected to */
	__u16 ingress_tag; /* VLAN id in the frame; 0: untagged */
	__u16 egress_tag;
	__u16 mtu; /* longest IP packet */
	__u8 refusal; /* enum rv_fast_refusal */
	__u8 pad;
	__u8 destination_mac[6];
	__u8 source_mac[6];
};

/* Packets and bytes XDP forwarded; bytes from the IP header on. Times:
 * CLOCK_MONOTONIC_COARSE. */
struct rv_fast_counts {
	__u64 packets;
	__u64 bytes;
	__u64 last_seen_ns;
	/* When a packet last went up so that conntrack sees the connection is alive. */
	__u64 refreshed_ns;
};

struct rv_fast_rest {
	__u32 version; /* odd while user space writes the flow; for its own readers */
	__u32 connection; /* conntrack's id */
	/*
	 * What translation adds to the complement of the checksums (RFC 1624, ~m + m'),
	 * folded: of IPv4's header (both addresses), of TCP or UDP (addresses and ports).
	 * Words as they lie in memory.
	 */
	__u16 network_delta;
	__u16 transport_delta;
	/* Part of the path: ifindex of the VLANs; 0: untagged. */
	__u16 ingress_vlan;
	__u16 egress_vlan;
	__u64 inserted_ns;
	/* Part of the path: what frames must be addressed to, ours on the ingress. */
	__u8 own_mac[6];
	__u8 pad[2];
};

struct rv_fast_tuple4 {
	__be32 source;
	__be32 destination;
	__be16 source_port;
	__be16 destination_port;
};

struct rv_fast_tuple6 {
	__u8 source[16];
	__u8 destination[16];
	__be16 source_port;
	__be16 destination_port;
};

#define RV_FAST_STEP 0x9e3779b97f4a7c15ull
#define RV_FAST_END  0xbf58476d1ce4e5b9ull

/*
 * The keyed hash of a flow: begins with the seed, takes the key in words of eight bytes
 * as they lie in memory, then the ports with the protocol. The same numbers as
 * appliance/datapath/src/flow_cache/hash.rs, held together by tests/bpf.
 */
static __always_inline __u64 rv_fast_hash_step(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * RV_FAST_STEP;
	return hash ^ hash >> 32;
}

/* "ports": source and destination port as they lie in memory. */
static __always_inline __u64 rv_fast_hash_end(__u64 hash, __u32 ports, __u8 protocol)
{
	hash = rv_fast_hash_step(hash, (__u64)protocol << 32 | ports);
	hash *= RV_FAST_END;
	return hash ^ hash >> 29;
}

/* Value of "fast_flow4". The first cache line is all a packet needs beside its counts. */
struct rv_fast_flow4 {
	struct rv_fast_tuple4 key; /* as packets come in */
	struct rv_fast_tuple4 translated; /* as they leave */
	__u8 protocol; /* TCP or UDP */
	__u8 state; /* enum rv_fast_state */
	__u16 flags; /* enum rv_fast_flag */
	__u32 counter; /* row of "rule_hits"; 0: none */
	struct rv_fast_path path;
	struct rv_fast_counts counts;
	struct rv_fast_rest rest;
};

/* Value of "fast_flow6". */
struct rv_fast_flow6 {
	struct rv_fast_tuple6 key;
	struct rv_fast_tuple6 translated;
	__u8 protocol;
	__u8 state;
	__u16 flags;
	__u32 counter;
	struct rv_fast_path path;
	__u64 pad[2];
	struct rv_fast_counts counts;
	struct rv_fast_rest rest;
};

/* Map "fast_control": one entry, mmap. Times: CLOCK_MONOTONIC_COARSE. */
struct rv_fast_control {
	/* Nothing is forwarded after this: user space is gone, or not in step with
	 * conntrack. */
	__u64 alive_until_ns;
	__u64 seed; /* of the hash; random, made with the map */
	/* A packet goes up when the last that did is this long ago. */
	__u64 tcp_refresh_ns;
	__u64 udp_refresh_ns;
	/* A flow without packets for so long becomes RV_FAST_IDLE. */
	__u64 tcp_idle_ns;
	__u64 udp_idle_ns;
	__u32 generation; /* 1 ..; a new one has every flow learn its way again */
	__u32 bucket_mask4; /* buckets - 1 */
	__u32 bucket_mask6;
	__u32 pad;
};

enum rv_port_flag {
	/* Frames can be redirected to it (NETDEV_XDP_ACT_NDO_XMIT). */
	RV_PORT_REDIRECT = 1 << 0,
	RV_PORT_VERIFY_CHECKSUM = 1 << 1, /* its frames may lack their checksum: veth */
};

/* Map "ports": ifindex -> what the fast path needs to know of an interface. Hash. */
struct rv_port {
	__u32 device; /* ifindex frames are sent by: of a VLAN, what it is on */
	__u16 tag; /* VLAN id pushed; 0: none */
	__u16 flags; /* enum rv_port_flag */
};

/* Key of the map "vlans": device and tag -> ifindex of the VLAN. Hash. */
struct rv_vlan_key {
	__u32 device;
	__u16 tag;
	__u16 pad;
};

#endif
