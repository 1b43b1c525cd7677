/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_STATISTICS_H
#define RAVELIN_STATISTICS_H

#include <ravelin/counter.h>
#include <ravelin/reason.h>

/* Rows of rv_statistics. */
enum rv_protocol {
	RV_PROTOCOL_OTHER = 0, /* not IP, or a header we could not read */
	RV_PROTOCOL_IPV4_TCP = 1,
	RV_PROTOCOL_IPV4_UDP = 2,
	RV_PROTOCOL_IPV4_ICMP = 3,
	RV_PROTOCOL_IPV4_OTHER = 4,
	RV_PROTOCOL_IPV6_TCP = 5,
	RV_PROTOCOL_IPV6_UDP = 6,
	RV_PROTOCOL_IPV6_ICMP = 7,
	RV_PROTOCOL_IPV6_OTHER = 8,
	RV_PROTOCOL_CAPACITY = 16,
};

enum rv_direction {
	RV_DIRECTION_INGRESS = 0,
	RV_DIRECTION_EGRESS = 1,
};

enum rv_column {
	/*
	 * What the device of a VLAN has counted as RV_REASON_FORWARDED, counted at the
	 * VLAN too. A column of its own, so that those of RV_REASON_FORWARDED are the
	 * packets the fast path sent. The others are reasons.
	 */
	RV_COLUMN_FORWARDED_VLAN = RV_REASON_CAPACITY - 1,
};

/*
 * Map "statistics": per-CPU array, key = slot * 2 + rv_direction. Each packet adds
 * to exactly one cell, so every total is a sum of cells and they always reconcile.
 */
struct rv_statistics {
	struct rv_counter cell[RV_PROTOCOL_CAPACITY][RV_REASON_CAPACITY];
};

#endif
