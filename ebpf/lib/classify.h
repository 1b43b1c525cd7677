/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the policy says of the first packet of a connection. */
#ifndef RAVELIN_LIB_CLASSIFY_H
#define RAVELIN_LIB_CLASSIFY_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <ravelin/zone.h>

#include "lib/fib.h"
#include "lib/index.h"
#include "lib/parse_transport.h"

/* As far as the classifier came with a packet. */
struct rv_verdict {
	struct rv_target target;
	__u8 from_zone; /* 0: the interface is in none, or it was not asked for */
	__u8 to_zone;
	__u8 action; /* enum rv_policy_action; 0: nftables is to judge the packet */
	__u8 flags; /* enum rv_policy_rule_flag */
	__u32 counter;
	__u64 revision; /* of the policy */
};

static __always_inline bool rv_to_many(const struct rv_packet *packet)
{
	__u32 first = bpf_ntohl(packet->destination[0]);

	if (packet->family == 6)
		return first >> 24 == 0xff;
	return first >> 28 == 0xe || first == 0xffffffff;
}

/*
 * Whether eBPF and nftables read the packet alike, and it can begin a connection. Nothing
 * is guessed: tags, fragments, options and extension headers are for nftables. So is
 * protocol 0, which rows of translations have another use for, and so are TCP segments
 * that begin no connection: conntrack knows theirs.
 */
static __always_inline bool rv_can_classify(const struct rv_packet *packet)
{
	__u32 header =
		packet->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	return packet->row != RV_PROTOCOL_OTHER && !packet->fragment &&
	       packet->network == sizeof(struct ethhdr) &&
	       packet->transport == packet->network + header &&
	       packet->protocol != IPPROTO_AH && packet->protocol &&
	       !rv_to_many(packet) &&
	       (packet->protocol != IPPROTO_TCP ||
		(packet->tcp_flags & (RV_TCP_SYN | RV_TCP_ACK)) == RV_TCP_SYN);
}

/* The zone of an interface; 0: none. */
static __always_inline __u8 rv_policy_zone(void *image,
					   const struct rv_policy_header *header,
					   __u32 ifindex)
{
	const __u8 *slot;

	if (ifindex >= header->zones_count)
		return 0;
	slot = rv_image_at(image, header->zones + ifindex / RV_IMAGE_SLOT_BYTES,
			   RV_IMAGE_SLOT_BYTES);
	if (!slot)
		return 0;
	return slot[rv_bound(ifindex, RV_IMAGE_SLOT_BYTES - 1)] & (RV_ZONE_NUMBERS - 1);
}

/* Classes of addresses; global functions for the reason rv_tree4() is one. */
__noinline __u32 rv_class4(__u32 address, __u32 row)
{
	return rv_index_find4(&policy_classes, row, address);
}

__noinline __u32 rv_class6(__u64 high, __u64 low, __u32 row)
{
	return rv_index_find6(&policy_classes, row, high, low);
}

static __always_inline __u32 rv_class_of(const __u32 *words, __u32 row, bool ipv4)
{
	return ipv4 ? rv_class4(words[0], row)
		    : rv_class6(rv_two_words(words), rv_two_words(words + 2), row);
}

/* Looks up the classes some box of the family asks for; class 0: in no term. */
static __always_inline void rv_put_classes(struct rv_key *key,
					   const struct rv_policy_header *header,
					   __u32 row, bool ipv4)
{
	__u32 flags = header->flags >> (ipv4 ? RV_FAMILY_IPV4 : RV_FAMILY_IPV6);

	if (flags & RV_POLICY_SOURCE_TERMS)
		key->words[RV_FIELD_SOURCE_CLASS] =
			rv_class_of(&key->words[RV_FIELD_SOURCE], row, ipv4);
	if (flags & RV_POLICY_DESTINATION_TERMS)
		key->words[RV_FIELD_DESTINATION_CLASS] =
			rv_class_of(&key->words[RV_FIELD_DESTINATION], row, ipv4);
}

static __always_inline __u32 rv_icmp_word(const struct rv_packet *packet)
{
	return packet->icmp_type << 8 | packet->icmp_code;
}

static __always_inline void rv_make_key(struct rv_key *key,
					const struct rv_policy_header *header,
					const struct rv_packet *packet,
					const struct rv_verdict *verdict)
{
	for (int i = 0; i < 4; i++) {
		key->words[RV_FIELD_SOURCE + i] = bpf_ntohl(packet->source[i]);
		key->words[RV_FIELD_DESTINATION + i] =
			bpf_ntohl(verdict->target.address[i]);
	}
	key->words[RV_FIELD_SOURCE_PORT] = bpf_ntohs(packet->source_port);
	/* One of the two is 0. */
	key->words[RV_FIELD_DESTINATION_PORT] =
		bpf_ntohs(verdict->target.port) | rv_icmp_word(packet);
	key->words[RV_FIELD_PROTOCOL] = packet->protocol;
	key->words[RV_FIELD_FROM_ZONE] = verdict->from_zone;
	key->words[RV_FIELD_TO_ZONE] = verdict->to_zone;
	key->terms = header->terms;
	key->terms_row_words = header->terms_row_words;
}

/* The best rule of the trees of the packet's family: enum rv_search_result if none. */
static __always_inline __u32 rv_search_trees(const struct rv_policy_header *header,
					     const struct rv_key *key, __u32 row,
					     bool ipv4)
{
	const __u32 *roots = header->roots[ipv4 ? RV_FAMILY_IPV4 : RV_FAMILY_IPV6];
	__u32 best = RV_RULE_NONE;

	for (int i = 0; i < RV_POLICY_ROOTS; i++) {
		if (!roots[i])
			continue;
		best = ipv4 ? rv_tree4(key, row, roots[i], best)
			    : rv_tree6(key, row, roots[i], best);
		if (best == RV_RULE_UNKNOWN)
			break;
	}
	return best;
}

static __always_inline const struct rv_policy_header *rv_policy_header(void *image)
{
	return image ? rv_image_at(image, 0, sizeof(struct rv_policy_header)) : NULL;
}

/*
 * The first half of classifying: where the packet came in and where it goes. Zones stay 0
 * where that cannot be told.
 */
static __always_inline void rv_find_zones(void *ctx, const struct rv_packet *packet,
					  __u32 ifindex, __u32 row,
					  struct rv_verdict *verdict)
{
	void *image = bpf_map_lookup_elem(&policy, &row);
	const struct rv_policy_header *header = rv_policy_header(image);

	if (!header)
		return;
	verdict->from_zone = rv_policy_zone(image, header, ifindex);
	if (!verdict->from_zone || !rv_can_classify(packet))
		return;
	__builtin_memcpy(verdict->target.address, packet->destination,
			 sizeof(verdict->target.address));
	verdict->target.port = packet->destination_port;
	rv_translate(image, row, header, packet, verdict->from_zone, &verdict->target);
	switch (rv_route(ctx, packet, &verdict->target, &ifindex)) {
	case RV_ROUTE_LOCAL:
		verdict->to_zone = RV_ZONE_LOCAL;
		break;
	case RV_ROUTE_OUT:
		verdict->to_zone = rv_policy_zone(image, header, ifindex);
		break;
	default:
		break;
	}
}

/*
 * The second half: what the best rule, or the default of the zone pair, says. Leaves
 * action 0 where nobody can tell. A global function for its stack.
 */
__noinline int rv_find_action(const struct rv_packet *packet, __u32 row,
			      struct rv_verdict *verdict)
{
	void *image = bpf_map_lookup_elem(&policy, &row);
	const struct rv_policy_header *header = rv_policy_header(image);
	const struct rv_policy_rule *rule;
	struct rv_key key = {};
	__u32 best, slot;

	if (!packet || !verdict || !header)
		return -1;
	rv_make_key(&key, header, packet, verdict);
	rv_put_classes(&key, header, row, packet->family == 4);
	best = rv_search_trees(header, &key, row, packet->family == 4);
	if (best == RV_RULE_UNKNOWN)
		return -1;
	slot = header->rules + best;
	if (best == RV_RULE_NONE)
		slot = header->defaults + verdict->from_zone * header->zone_numbers +
		       verdict->to_zone;
	rule = rv_image_at(image, slot, sizeof(*rule));
	if (!rule)
		return -1;
	verdict->action = rule->action;
	verdict->flags = rule->flags;
	verdict->counter = rule->counter;
	verdict->revision = header->revision;
	return 0;
}

/* The mark that tells nftables of the verdict; 0: none. */
static __always_inline __u32 rv_mark_of(const struct rv_verdict *verdict)
{
	if (!verdict->action || verdict->action >= RV_ACTION_DEFER)
		return 0;
	return (__u32)verdict->action << RV_MARK_VERDICT_SHIFT |
	       (__u32)verdict->to_zone << RV_MARK_TO_ZONE_SHIFT |
	       (verdict->counter & RV_MARK_COUNTER);
}

#endif
