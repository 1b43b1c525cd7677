/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking a packet up in the flow cache; layout: ravelin/fast.h. */
#ifndef RAVELIN_LIB_FAST_FIND_H
#define RAVELIN_LIB_FAST_FIND_H

#include "lib/fast_shape.h"
#include "maps/fast.h"

static __always_inline struct rv_fast_control *rv_fast_control_get(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&fast_control, &key);
}

/* A bucket and the tag that is looked for in it. */
struct rv_fast_place {
	const struct rv_fast_bucket *bucket;
	__u32 tag;
};

static __always_inline struct rv_fast_place rv_fast_place(void *index, __u64 hash,
							  __u32 mask)
{
	__u32 number = hash & mask;

	return (struct rv_fast_place){
		.bucket = bpf_map_lookup_elem(index, &number),
		.tag = hash >> RV_FAST_TAG_SHIFT,
	};
}

/* The slot in a word of the bucket; 0: it is of another tag, or free. */
static __always_inline __u32 rv_fast_slot(const struct rv_fast_place *place, int word)
{
	__u32 value = *(const volatile __u32 *)&place->bucket->words[word];

	return value >> RV_FAST_SLOT_BITS == place->tag ? value & RV_FAST_SLOT : 0;
}

/* The flow of an IPv4 packet, and its slot; NULL: it has none. */
static __always_inline struct rv_fast_flow4 *
rv_fast_find4(const struct rv_fast_control *control,
	      const struct rv_fast_headers *headers, __u32 protocol, __u32 *slot)
{
	const struct iphdr *ip = headers->network;
	__u64 hash = rv_fast_hash_step(control->seed, (__u64)ip->daddr << 32 | ip->saddr);
	struct rv_fast_place place;
	struct rv_fast_flow4 *flow;

	hash = rv_fast_hash_end(hash, *headers->ports, protocol);
	place = rv_fast_place(&fast_index4, hash, control->bucket_mask4);
	if (!place.bucket)
		return NULL;
	for (int i = 0; i < RV_FAST_BUCKET_WORDS; i++) {
		*slot = rv_fast_slot(&place, i);
		if (!*slot)
			continue;
		flow = bpf_map_lookup_elem(&fast_flow4, slot);
		if (flow && flow->key.source == ip->saddr &&
		    flow->key.destination == ip->daddr &&
		    *(const __u32 *)rv_words(&flow->key.source_port) == *headers->ports &&
		    flow->protocol == protocol)
			return flow;
	}
	return NULL;
}

/* Source and destination. */
struct rv_fast_addresses6 {
	__u64 word[4];
};

static __always_inline struct rv_fast_flow6 *
rv_fast_find6(const struct rv_fast_control *control,
	      const struct rv_fast_headers *headers, __u32 protocol, __u32 *slot)
{
	const struct ipv6hdr *ip = headers->network;
	const struct rv_fast_addresses6 *of = (const void *)&ip->saddr, *key;
	struct rv_fast_place place;
	struct rv_fast_flow6 *flow;
	__u64 hash = control->seed;

	for (int i = 0; i < 4; i++)
		hash = rv_fast_hash_step(hash, of->word[i]);
	hash = rv_fast_hash_end(hash, *headers->ports, protocol);
	place = rv_fast_place(&fast_index6, hash, control->bucket_mask6);
	if (!place.bucket)
		return NULL;
	for (int i = 0; i < RV_FAST_BUCKET_WORDS; i++) {
		*slot = rv_fast_slot(&place, i);
		if (!*slot)
			continue;
		flow = bpf_map_lookup_elem(&fast_flow6, slot);
		if (!flow)
			continue;
		key = (const void *)flow->key.source;
		if (key->word[0] == of->word[0] && key->word[1] == of->word[1] &&
		    key->word[2] == of->word[2] && key->word[3] == of->word[3] &&
		    *(const __u32 *)rv_words(&flow->key.source_port) == *headers->ports &&
		    flow->protocol == protocol)
			return flow;
	}
	return NULL;
}

#endif
