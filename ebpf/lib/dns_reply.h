/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of a query for a listed name. */
#ifndef RAVELIN_LIB_DNS_REPLY_H
#define RAVELIN_LIB_DNS_REPLY_H

#include "lib/checksum.h"
#include "lib/dns_query.h"
#include "lib/judge.h"

/* RFC 8914: option Extended DNS Error, info code Blocked. */
#define RV_DNS_OPTION_EDE  15
#define RV_DNS_EDE_BLOCKED 15
/* What DNS flag day 2020 agreed on as safe from fragmentation. */
#define RV_DNS_PAYLOAD_SIZE 1232

struct rv_dns_blocked_opt {
	struct rv_dns_opt opt;
	__be16 option;
	__be16 option_length;
	__be16 info_code;
} __attribute__((packed));

/* A UDP datagram for port 53, in one piece. */
static __always_inline bool rv_is_dns_datagram(const struct rv_visit *visit,
					       const struct rv_packet *packet)
{
	return (visit->switches & RV_SWITCH_DNS_BLOCKLIST) &&
	       packet->protocol == IPPROTO_UDP &&
	       packet->destination_port == bpf_htons(RV_DNS_PORT) && !packet->fragment &&
	       packet->transport + packet->udp_length <= packet->end &&
	       packet->udp_length >= sizeof(struct udphdr) + RV_DNS_QUERY_MIN;
}

/*
 * A TCP segment with data for port 53. tc judges and counts these, XDP never does: an
 * answer takes a second packet, to the server, and XDP can send only one.
 */
static __always_inline bool rv_is_dns_stream(const struct rv_visit *visit,
					     const struct rv_packet *packet)
{
	return (visit->switches & RV_SWITCH_DNS_BLOCKLIST) &&
	       packet->protocol == IPPROTO_TCP &&
	       packet->destination_port == bpf_htons(RV_DNS_PORT) && !packet->fragment &&
	       packet->payload < packet->end &&
	       (packet->tcp_flags & (RV_TCP_ACK | RV_TCP_SYN | RV_TCP_RST)) == RV_TCP_ACK;
}

/* How much of a message to load; 0: it is too short for a query. */
static __always_inline __u64 rv_dns_load_size(__u32 length)
{
	__u64 size = rv_forget(length > RV_DNS_QUERY_MAX ? RV_DNS_QUERY_MAX : length);

	return size < RV_DNS_QUERY_MIN || size > RV_DNS_QUERY_MAX ? 0 : size;
}

static __always_inline struct rv_dns_scratch *rv_dns_scratch(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&dns_scratch, &key);
}

/* Counts the hit and tells of it. row: what rv_dns_judge() returned. */
static __always_inline void rv_dns_tell(const struct rv_visit *visit,
					const struct rv_packet *packet,
					const struct rv_dns_scratch *scratch,
					const struct rv_dns_query *query, int row,
					enum rv_reason reason)
{
	__u32 key = row - 1;
	struct rv_counter *hits = bpf_map_lookup_elem(&dns_hits, &key);
	struct rv_event *event;

	if (!visit->packets)
		return;
	if (hits)
		rv_count(hits, visit->packets, visit->bytes);
	event = rv_event_begin(visit->control, packet, RV_EVENT_DNS, visit->ifindex,
			       visit->length, reason);
	if (!event)
		return;
	event->object = key / 2;
	event->name_length = query->question_end - 4 - sizeof(struct rv_dns_header);
	__builtin_memcpy(event->name, scratch->name, sizeof(event->name));
	bpf_ringbuf_submit(event, 0);
}

/*
 * Turns the query in the scratch into its reply, the question as it was asked. Returns
 * the length; zeros follow, so that it can be summed in words.
 */
static __always_inline __u32 rv_dns_make_reply(struct rv_dns_scratch *scratch,
					       const struct rv_dns_query *query)
{
	struct rv_dns_header *header = (void *)scratch->message;
	__u32 end = rv_bound(query->question_end, 511);
	struct rv_dns_blocked_opt *opt = (void *)&scratch->message[end];

	header->flags[0] = RV_DNS_QR | (header->flags[0] & RV_DNS_RD);
	header->flags[1] = RV_DNS_RA | (header->flags[1] & RV_DNS_CD) | RV_DNS_NXDOMAIN;
	header->additionals = query->edns ? bpf_htons(1) : 0;
	if (query->edns) {
		*opt = (struct rv_dns_blocked_opt){
			.opt.type = bpf_htons(RV_DNS_TYPE_OPT),
			.opt.payload_size = bpf_htons(RV_DNS_PAYLOAD_SIZE),
			.opt.flags = query->dnssec_ok ? bpf_htons(RV_DNS_OPT_DO) : 0,
			.opt.length = bpf_htons(sizeof(*opt) - sizeof(opt->opt)),
			.option = bpf_htons(RV_DNS_OPTION_EDE),
			.option_length = bpf_htons(sizeof(opt->info_code)),
			.info_code = bpf_htons(RV_DNS_EDE_BLOCKED),
		};
		end += sizeof(*opt);
	}
	end = rv_bound(end, 511);
	__builtin_memset(&scratch->message[end], 0, 4);
	return end;
}

/* Sum of a reply of that length. */
static __always_inline __u16 rv_dns_sum(const struct rv_dns_scratch *scratch,
					__u32 length)
{
	return rv_sum(scratch->message, rv_bound(length + 3, 1023 & ~3));
}

#endif
