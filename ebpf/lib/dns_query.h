/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which DNS messages are queries we judge, and the verdict on one (RFC 1035, RFC 6891).
 */
#ifndef RAVELIN_LIB_DNS_QUERY_H
#define RAVELIN_LIB_DNS_QUERY_H

#include <bpf/bpf_endian.h>

#include "lib/name_table.h"
#include "maps/control.h"

/* Fixed header of a message, RFC 1035 section 4.1.1. */
struct rv_dns_header {
	__be16 id;
	__u8 flags[2]; /* QR opcode AA TC RD; RA Z AD CD RCODE */
	__be16 questions;
	__be16 answers;
	__be16 authorities;
	__be16 additionals;
};

/* What follows the name of an OPT record, RFC 6891 section 6.1.2. */
struct rv_dns_opt {
	__u8 root;
	__be16 type;
	__be16 payload_size;
	__u8 extended_rcode;
	__u8 version;
	__be16 flags;
	__be16 length;
} __attribute__((packed));

enum rv_dns_constant {
	RV_DNS_QR = 0x80, /* flags[0] */
	RV_DNS_OPCODE = 0x78,
	RV_DNS_RD = 0x01,
	RV_DNS_RA = 0x80, /* flags[1] */
	RV_DNS_CD = 0x10,
	RV_DNS_NXDOMAIN = 3,
	RV_DNS_CLASS_IN = 1,
	RV_DNS_TYPE_OPT = 41,
	RV_DNS_OPT_DO = 0x8000, /* rv_dns_opt.flags */
	RV_DNS_PORT = 53,
	/* As much of a query as is ever looked at: header, longest question, OPT. */
	RV_DNS_QUERY_MAX = sizeof(struct rv_dns_header) + RV_NAME_MAX + 4 +
			   sizeof(struct rv_dns_opt),
	/* Header, one-byte label with its length, root, type and class. */
	RV_DNS_QUERY_MIN = sizeof(struct rv_dns_header) + 3 + 4,
};

/* A query in the scratch. */
struct rv_dns_query {
	__u32 question_end; /* offset in the message, behind name, type and class */
	bool edns;
	bool dnssec_ok;
};

/* A standard query with one question and nothing that would be an answer. */
static __always_inline bool rv_dns_is_query(const struct rv_dns_header *header)
{
	return !(header->flags[0] & (RV_DNS_QR | RV_DNS_OPCODE)) &&
	       header->questions == bpf_htons(1) && !header->answers &&
	       !header->authorities;
}

/* Reads the OPT record behind the question, if that is the one additional record. */
static __always_inline void rv_dns_read_opt(const struct rv_dns_scratch *scratch,
					    __u32 loaded, __u32 length,
					    struct rv_dns_query *query)
{
	const struct rv_dns_header *header = (const void *)scratch->message;
	__u32 at = rv_bound(query->question_end, 511);
	const struct rv_dns_opt *opt = (const void *)&scratch->message[at];

	if (header->additionals != bpf_htons(1) || at + sizeof(*opt) > loaded ||
	    opt->root || opt->type != bpf_htons(RV_DNS_TYPE_OPT) ||
	    at + sizeof(*opt) + bpf_ntohs(opt->length) > length)
		return;
	query->edns = true;
	query->dnssec_ok = opt->flags & bpf_htons(RV_DNS_OPT_DO);
}

/*
 * Judges the query whose first loaded bytes of length lie in the scratch. Returns the row
 * of "dns_hits" + 1, or 0: go on. Global for the reason rv_search4() is.
 */
__noinline int rv_dns_judge(struct rv_dns_query *query, __u32 loaded, __u32 length,
			    __u32 half)
{
	__u32 zero = 0;
	const struct rv_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct rv_dns_scratch *scratch = bpf_map_lookup_elem(&dns_scratch, &zero);
	const __u8 *class;
	__u32 name;

	if (!query || !settings || !scratch || loaded < RV_DNS_QUERY_MIN ||
	    loaded > RV_DNS_QUERY_MAX || !rv_dns_is_query((const void *)scratch->message))
		return 0;
	half &= 1;
	name = rv_name_scan(scratch, settings->names[half].key, loaded - RV_NAME_OFFSET);
	if (!name)
		return 0;
	query->question_end = RV_NAME_OFFSET + name + 4;
	if (query->question_end > loaded)
		return 0;
	class = &scratch->message[rv_bound(query->question_end - 2, 511)];
	if (class[0] || class[1] != RV_DNS_CLASS_IN)
		return 0;
	query->edns = false;
	query->dnssec_ok = false;
	rv_dns_read_opt(scratch, loaded, length, query);
	return rv_name_lookup(scratch, half, settings->names[half].bucket_mask);
}

#endif
