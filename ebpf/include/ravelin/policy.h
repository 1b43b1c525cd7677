/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The image of map "policy" (ravelin/image.h): decision trees over the ordered rules, and
 * what they lead to. Made by appliance/compile, read by ebpf/lib/classify.h.
 */
#ifndef RAVELIN_POLICY_H
#define RAVELIN_POLICY_H

#include <linux/types.h>

enum rv_policy_limit {
	/* Zone numbers are 1 .. RV_ZONE_NUMBERS - 1. */
	RV_ZONE_NUMBERS = 64,
	RV_ZONE_LOCAL = 1,
	/* Trees of a family: source wide or narrow x destination wide or narrow. */
	RV_POLICY_ROOTS = 4,
	RV_POLICY_LEAF_BOXES = 64,
	RV_POLICY_DEPTH = 64,
	/* Rows of "rule_hits" and the low bits of the mark. */
	RV_POLICY_COUNTER_BITS = 20,
};

/* Words of the key a packet is classified by, host order; index of rv_node.field. */
enum rv_policy_field {
	RV_FIELD_SOURCE = 0, /* four words, high first; IPv4 in the first */
	RV_FIELD_DESTINATION = 4,
	RV_FIELD_SOURCE_PORT = 8,
	RV_FIELD_DESTINATION_PORT = 9, /* ICMP: type << 8 | code */
	RV_FIELD_PROTOCOL = 10,
	RV_FIELD_FROM_ZONE = 11,
	RV_FIELD_TO_ZONE = 12,
	RV_FIELD_SOURCE_CLASS = 13, /* value of the class index; 0 where it has none */
	RV_FIELD_DESTINATION_CLASS = 14,
	RV_FIELDS = 16,
	/* rv_node is a leaf. */
	RV_FIELD_LEAF = 255,
};

/*
 * Node of a tree, one slot. Inner: key[field] <= threshold goes on in the next slot,
 * anything else at slot "right". Leaf: "right" is the slot of the first of "count" boxes,
 * sorted by rule.
 */
struct rv_node {
	__u32 threshold;
	__u32 right;
	__u32 best; /* lowest rule in the subtree: no need to go there with a better one
		     */
	__u16 count;
	__u8 field;
	__u8 pad;
};

enum rv_box_flag {
	RV_BOX_ANY_PROTOCOL = 1 << 0,
};

/* What a box asks for beside addresses. A rule is one box for each of its port ranges. */
struct rv_box {
	__u32 rule; /* index of rv_policy_rule; the lowest that matches decides */
	__u16 source_port[2]; /* first and last, both included */
	__u16 destination_port[2];
	/* Bit in the row of the address's class; 0: any class will do. */
	__u16 source_term;
	__u16 destination_term;
	__u8 source_bits; /* prefix lengths */
	__u8 destination_bits;
	__u8 protocol;
	__u8 flags; /* enum rv_box_flag */
	__u8 from_zone; /* 0: any */
	__u8 to_zone;
	__u16 pad;
};

/* Two slots. Addresses in host order. */
struct rv_box4 {
	__u32 source;
	__u32 destination;
	struct rv_box box;
};

/* Four slots. Two host-order words each, high first. */
struct rv_box6 {
	__u64 source[2];
	__u64 destination[2];
	struct rv_box box;
	__u64 pad;
};

enum rv_policy_action {
	RV_ACTION_ACCEPT = 1,
	RV_ACTION_DROP = 2,
	RV_ACTION_REJECT = 3,
	/* nftables decides: the rule has a state that only it keeps. */
	RV_ACTION_DEFER = 4,
};

enum rv_policy_rule_flag {
	RV_RULE_LOG = 1 << 0,
	/* The default of a zone pair. */
	RV_RULE_DEFAULT = 1 << 1,
};

/* One slot. */
struct rv_policy_rule {
	__u32 counter; /* row of "rule_hits" */
	__u8 action; /* enum rv_policy_action */
	__u8 flags;
	__u16 pad;
	__u64 pad2;
};

/*
 * Destination translation, sorted by (zone, protocol, address, port[0]), without
 * overlaps. Rows of protocol 0 are for packets that no row of their own protocol matches,
 * whatever their ports. They are for networks: port[0] is the prefix length, port[1] and
 * target_port are 0, and the target keeps the host bits of the address. Every other row
 * is for one address. One slot; IPv6 four.
 */
struct rv_dnat4 {
	__u32 address;
	__u32 target;
	__u16 port[2]; /* first and last, both included */
	__u16 target_port; /* for the first port; 0: ports stay */
	__u8 zone;
	__u8 protocol;
};

struct rv_dnat6 {
	__u64 address[2];
	__u64 target[2];
	__u16 port[2];
	__u16 target_port;
	__u8 zone;
	__u8 protocol;
	__u64 pad[3];
};

enum rv_policy_family {
	RV_FAMILY_IPV4 = 0,
	RV_FAMILY_IPV6 = 1,
	RV_FAMILIES = 2,
};

enum rv_policy_header_flag {
	/* By family (1 << family): some box has a term for that side, so classes are
	 * needed. */
	RV_POLICY_SOURCE_TERMS = 1 << 0, /* and 1 << 1 */
	RV_POLICY_DESTINATION_TERMS = 1 << 2, /* and 1 << 3 */
};

/* Slot 0 of the image. Sections are given by their first slot. */
struct rv_policy_header {
	__u64 revision;
	__u32 roots[RV_FAMILIES][RV_POLICY_ROOTS]; /* rv_node; 0: no tree */
	__u32 rules; /* rv_policy_rule */
	__u32 rules_count;
	__u32 defaults; /* rv_policy_rule, at from * zone_numbers + to */
	__u32 flags; /* enum rv_policy_header_flag */
	__u32 dnat[RV_FAMILIES]; /* rv_dnat4, rv_dnat6 */
	__u32 dnat_count[RV_FAMILIES];
	__u32 terms; /* rows of 64-bit words, one for each class from 0 on */
	__u32 terms_row_words; /* a power of two */
	__u32 classes_count;
	__u32 zone_numbers; /* greatest in use + 1 */
	/* The zone of each interface, a byte by ifindex; 0, like one behind: in none. */
	__u32 zones;
	__u32 zones_count; /* bytes */
};

/*
 * The verdict on its way from XDP over tc to nftables: bits of the skb mark that are
 * Ravelin's. The other bits belong to others.
 */
enum rv_mark {
	RV_MARK_COUNTER = 0x000fffff, /* row of the hit counters */
	RV_MARK_TO_ZONE_SHIFT = 24,
	RV_MARK_TO_ZONE = 0x3f000000, /* the zone the verdict is for */
	RV_MARK_VERDICT_SHIFT =
		30, /* enum rv_policy_action but RV_ACTION_DEFER; 0: none */
	RV_MARK_OURS = 0x3f0fffff, /* and the verdict in the two highest bits */
};

/* Bits of conntrack's mark that are Ravelin's; nftables sets them. */
enum rv_connection_mark {
	RV_CONNECTION_COUNTER = 0x000fffff, /* of the line that accepted it */
	/* What is sent here answers a packet that was rejected, and was counted. */
	RV_CONNECTION_ANSWERED = 1 << 20,
	/* Ended on request: every packet of it is answered with a reset. */
	RV_CONNECTION_RESET = 1 << 21,
};

/* XDP metadata: what XDP found, for tc ingress. */
struct rv_metadata {
	__u32 magic; /* rv_metadata_magic of the programs' read-only data */
	__u32 mark; /* enum rv_mark */
};

/*
 * XDP metadata of a test run that shall leave no trace: neither counters nor flows nor
 * events see the packet. The program fills in the rest.
 */
struct rv_probe {
	__u32 magic; /* rv_probe_magic of the programs' read-only data */
	__u32 mark; /* as tc would set it; 0: left to nftables */
	__u32 target[4]; /* destination after translation, as in the packet */
	__u16 target_port; /* network order */
	__u8 from_zone;
	__u8 to_zone;
	__u8 action; /* enum rv_policy_action; 0: not classified */
	__u8 reason; /* enum rv_reason */
	__u16 pad;
};

#endif
