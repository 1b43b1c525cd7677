/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Destination translation before classification; layout: ravelin/policy.h. */
#ifndef RAVELIN_LIB_DNAT_H
#define RAVELIN_LIB_DNAT_H

#include <bpf/bpf_endian.h>

#include <ravelin/policy.h>

#include "lib/packet.h"
#include "lib/tree.h"

/* Steps of a binary search over 2^20 rows, more than an image is made with. */
#define RV_DNAT_STEPS 21

/* Where a packet goes, and what decides that. */
struct rv_dnat_key {
	__u64 address[2]; /* host order; IPv4 in the low half of the second */
	__u16 port;
	__u8 zone;
	__u8 protocol;
	__u32 pad;
};

/* Where a packet goes after translation. */
struct rv_target {
	__be32 address[4]; /* as in rv_packet */
	__be16 port;
};

/* (zone, protocol, address, port) as one number to compare. */
static __always_inline __u64 rv_dnat_rank4(__u8 zone, __u8 protocol, __u32 address,
					   __u16 port)
{
	return (__u64)zone << 56 | (__u64)protocol << 48 | (__u64)address << 16 | port;
}

/*
 * Slot of the last row that does not come behind the key, or of the first row; 0: there
 * are none, or the image is not whole.
 */
__noinline __u32 rv_dnat_search4(const struct rv_dnat_key *key, __u32 row, __u32 slot,
				 __u32 count)
{
	void *image = bpf_map_lookup_elem(&policy, &row);
	const struct rv_dnat4 *at;
	__u64 rank;
	__u32 half;

	if (!key || !image || !count)
		return 0;
	rank = rv_dnat_rank4(key->zone, key->protocol, key->address[1], key->port);
	for (int i = 0; i < RV_DNAT_STEPS && count > 1; i++) {
		half = count / 2;
		at = rv_image_at(image, slot + half, sizeof(*at));
		if (!at)
			return 0;
		slot += half & ~rv_less(rank, rv_dnat_rank4(at->zone, at->protocol,
							    at->address, at->port[0]));
		count -= half;
	}
	return slot;
}

/* All ones where the row comes behind the key. */
static __always_inline __u64 rv_dnat_behind6(const struct rv_dnat_key *key,
					     const struct rv_dnat6 *at)
{
	__u64 key_kind = (__u64)key->zone << 8 | key->protocol;
	__u64 at_kind = (__u64)at->zone << 8 | at->protocol;
	__u64 behind = rv_less(key->port, at->port[0]);

	behind = rv_less(key->address[1], at->address[1]) |
		 (behind & ~rv_less(at->address[1], key->address[1]));
	behind = rv_less(key->address[0], at->address[0]) |
		 (behind & ~rv_less(at->address[0], key->address[0]));
	return rv_less(key_kind, at_kind) | (behind & ~rv_less(at_kind, key_kind));
}

/* The same for IPv6. */
__noinline __u32 rv_dnat_search6(const struct rv_dnat_key *key, __u32 row, __u32 slot,
				 __u32 count)
{
	void *image = bpf_map_lookup_elem(&policy, &row);
	const struct rv_dnat6 *at;
	__u32 half;

	if (!key || !image || !count)
		return 0;
	for (int i = 0; i < RV_DNAT_STEPS && count > 1; i++) {
		half = count / 2;
		at = rv_image_at(image, slot + 4 * half, sizeof(*at));
		if (!at)
			return 0;
		slot += 4 * half & ~rv_dnat_behind6(key, at);
		count -= half;
	}
	return slot;
}

static __always_inline const void *rv_dnat_at(void *image, __u32 slot, __u32 bytes)
{
	return slot ? rv_image_at(image, slot, bytes) : NULL;
}

static __always_inline __be16 rv_dnat_port(__u16 port, __u16 first, __u16 target)
{
	return bpf_htons(target ? target + (port - first) : port);
}

static __always_inline bool rv_translate4(void *image, __u32 row,
					  const struct rv_policy_header *header,
					  struct rv_dnat_key *key,
					  struct rv_target *target)
{
	__u32 first = header->dnat[RV_FAMILY_IPV4],
	      count = header->dnat_count[RV_FAMILY_IPV4], address = key->address[1];
	__u16 port = key->port;
	const struct rv_dnat4 *at;

	at = rv_dnat_at(image, rv_dnat_search4(key, row, first, count), sizeof(*at));
	if (at && at->zone == key->zone && at->protocol == key->protocol &&
	    at->address == address && port >= at->port[0] && port <= at->port[1]) {
		target->address[0] = bpf_htonl(at->target);
		target->port = rv_dnat_port(port, at->port[0], at->target_port);
		return true;
	}
	key->protocol = 0;
	key->port = 0xffff;
	at = rv_dnat_at(image, rv_dnat_search4(key, row, first, count), sizeof(*at));
	if (!at || at->zone != key->zone || at->protocol ||
	    rv_not_in4(address, at->address, at->port[0]) < 0)
		return false;
	target->address[0] = bpf_htonl(at->target | (address ^ at->address));
	return true;
}

static __always_inline void rv_put_address6(__be32 *address, __u64 high, __u64 low)
{
	address[0] = bpf_htonl(high >> 32);
	address[1] = bpf_htonl(high);
	address[2] = bpf_htonl(low >> 32);
	address[3] = bpf_htonl(low);
}

static __always_inline bool rv_translate6(void *image, __u32 row,
					  const struct rv_policy_header *header,
					  struct rv_dnat_key *key,
					  struct rv_target *target)
{
	__u32 first = header->dnat[RV_FAMILY_IPV6],
	      count = header->dnat_count[RV_FAMILY_IPV6];
	const struct rv_dnat6 *at;
	__u16 port = key->port;

	at = rv_dnat_at(image, rv_dnat_search6(key, row, first, count), sizeof(*at));
	if (at && at->zone == key->zone && at->protocol == key->protocol &&
	    at->address[0] == key->address[0] && at->address[1] == key->address[1] &&
	    port >= at->port[0] && port <= at->port[1]) {
		rv_put_address6(target->address, at->target[0], at->target[1]);
		target->port = rv_dnat_port(port, at->port[0], at->target_port);
		return true;
	}
	key->protocol = 0;
	key->port = 0xffff;
	at = rv_dnat_at(image, rv_dnat_search6(key, row, first, count), sizeof(*at));
	if (!at || at->zone != key->zone || at->protocol ||
	    rv_not_in6(key->address, at->address, at->port[0]) < 0)
		return false;
	rv_put_address6(target->address,
			at->target[0] | (key->address[0] ^ at->address[0]),
			at->target[1] | (key->address[1] ^ at->address[1]));
	return true;
}

/*
 * Where a packet that came in from the zone goes; "target" has where it was sent to.
 */
static __always_inline void rv_translate(void *image, __u32 row,
					 const struct rv_policy_header *header,
					 const struct rv_packet *packet, __u8 zone,
					 struct rv_target *target)
{
	struct rv_dnat_key key = {
		.port = bpf_ntohs(packet->destination_port),
		.zone = zone,
		.protocol = packet->protocol,
	};

	if (packet->family == 4) {
		if (!header->dnat_count[RV_FAMILY_IPV4])
			return;
		key.address[1] = bpf_ntohl(packet->destination[0]);
		rv_translate4(image, row, header, &key, target);
		return;
	}
	if (!header->dnat_count[RV_FAMILY_IPV6])
		return;
	key.address[0] = (__u64)bpf_ntohl(packet->destination[0]) << 32 |
			 bpf_ntohl(packet->destination[1]);
	key.address[1] = (__u64)bpf_ntohl(packet->destination[2]) << 32 |
			 bpf_ntohl(packet->destination[3]);
	rv_translate6(image, row, header, &key, target);
}

#endif
