/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_CONTROL_H
#define RAVELIN_CONTROL_H

#include <linux/types.h>

/*
 * Bits of rv_control.switches. A program reads the word once per packet, so one
 * aligned 8-byte store changes features and table generations together and no
 * packet sees a mixture.
 */
enum rv_switch {
	RV_SWITCH_STATISTICS = 1 << 0,
	RV_SWITCH_FLOW_MONITORING = 1 << 1,
	RV_SWITCH_DDOS_PROTECTION = 1 << 2,
	RV_SWITCH_DNS_BLOCKLIST = 1 << 3,
	/* ddos_protection looks only at packets from interfaces flagged external. */
	RV_SWITCH_DDOS_EXTERNAL_ONLY = 1 << 4,
	/* dns_blocklist drops the query instead of answering NXDOMAIN. */
	RV_SWITCH_DNS_DROP = 1 << 5,
	/* Which row of the map "xdp_blocklist" (0 or 1) is live. */
	RV_SWITCH_ADDRESS_HALF = 1 << 6,
	/* Which half of the name table (0 or 1) is live. */
	RV_SWITCH_NAME_HALF = 1 << 7,
	RV_SWITCH_POLICY_CLASSIFIER = 1 << 8,
	/* Which row of the maps "policy" and "policy_classes" (0 or 1) is live. */
	RV_SWITCH_POLICY_HALF = 1 << 9,
	/* XDP forwards what is in the flow cache (ravelin/fast.h). */
	RV_SWITCH_FLOW_OFFLOAD = 1 << 10,
};

/* Parameters of one half of the name table. */
struct rv_name_table {
	__u64 key; /* random per build, seeds the label hash */
	__u32 bucket_mask; /* buckets in use - 1; a power of two minus one */
	__u32 pad;
};

/* Map "control": one entry. Written through mmap by user space only. */
struct rv_control {
	__u64 switches;
	struct rv_name_table names[2];
	__u64 event_rate; /* events each CPU may send in a second */
};

#endif
