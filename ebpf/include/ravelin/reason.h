/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_REASON_H
#define RAVELIN_REASON_H

/*
 * What became of a packet. Stable numbers, never reused: the log, the metrics,
 * the API and the UI all show them. Names live in appliance/model/src/reason.rs,
 * a test holds the two together.
 */
enum rv_reason {
	RV_REASON_PASS = 0,
	/* Source is on an address list of ddos_protection. */
	RV_REASON_SOURCE_LISTED = 1,
	/* DNS query for a listed name, dropped. */
	RV_REASON_DNS_DROPPED = 2,
	/* DNS query for a listed name, answered NXDOMAIN by us. */
	RV_REASON_DNS_ANSWERED = 3,
	/* A rule of the policy drops or rejects it. */
	RV_REASON_POLICY_RULE = 4,
	/* No rule matches, and the zone pair drops or rejects. */
	RV_REASON_POLICY_DEFAULT = 5,
	/* It belongs to no connection and cannot begin one. Told by nftables only. */
	RV_REASON_INVALID_STATE = 6,
	/* Its interface is in no zone. Told by nftables only. */
	RV_REASON_NO_ZONE = 7,
	/* Went on: XDP forwarded it from the flow cache. */
	RV_REASON_FORWARDED = 8,
	/* Columns of rv_statistics; room for later reasons. */
	RV_REASON_CAPACITY = 32,
};

#endif
