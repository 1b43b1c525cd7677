/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_EVENT_H
#define RAVELIN_EVENT_H

#include <linux/types.h>
#include <ravelin/dns.h>

enum rv_event_kind {
	RV_EVENT_DROP = 1, /* a packet was dropped; reason says why */
	RV_EVENT_DNS = 2, /* a listed name was asked for; name is set */
	RV_EVENT_POLICY = 3, /* a rule with a log dropped a packet */
};

enum rv_event_version {
	RV_EVENT_VERSION = 2,
};

/* Record of the ring buffer "events". */
struct rv_event {
	__u16 kind;
	__u16 version;
	__u32 length; /* sizeof(struct rv_event) */
	__u64 ktime_ns; /* CLOCK_MONOTONIC */
	__u32 ifindex;
	__u32 frame_length; /* bytes, Ethernet header included */
	__u16 reason; /* enum rv_reason */
	__u8 family; /* 4 or 6 */
	__u8 protocol; /* IANA number */
	__u16 source_port; /* host order */
	__u16 destination_port;
	/* IPv4 in the first four bytes, rest 0; network order. */
	__u8 source[16];
	__u8 destination[16];
	/*
	 * RV_EVENT_DROP: rv_blocklist_entry.counter. RV_EVENT_DNS: the list set.
	 * RV_EVENT_POLICY: rv_policy_rule.counter.
	 */
	__u32 object;
	__u32 list; /* rv_blocklist_entry.list, or 0 */
	__u64 revision; /* RV_EVENT_POLICY: rv_policy_header.revision */
	__u8 name_length; /* bytes of name in use, root label included; 0: none */
	__u8 from_zone; /* RV_EVENT_POLICY */
	__u8 to_zone;
	__u8 pad[5];
	__u8 name[256]; /* wire format, lower case */
};

/* Map "event_budget": per-CPU, one entry; keeps a flood from flooding user space. */
struct rv_event_budget {
	__u64 window_ns; /* start of the current second */
	__u64 sent; /* events in it */
	__u64 suppressed; /* over the budget, since load */
	__u64 lost; /* ring buffer full, since load */
};

#endif
