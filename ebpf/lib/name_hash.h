/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keyed hash of a name by its labels; the same numbers as
 * appliance/compile/src/name_hash.rs, held together by tests/bpf.
 */
#ifndef RAVELIN_LIB_NAME_HASH_H
#define RAVELIN_LIB_NAME_HASH_H

#include <linux/types.h>

#define RV_HASH_PRIME 0x100000001b3ull
#define RV_HASH_CHAIN 0x9e3779b97f4a7c15ull
#define RV_HASH_PLACE 0xbf58476d1ce4e5b9ull

/* A label begins with the key as its hash and takes its bytes in lower case. */
static __always_inline __u64 rv_label_step(__u64 hash, __u8 byte)
{
	return (hash ^ byte) * RV_HASH_PRIME;
}

static __always_inline __u64 rv_label_end(__u64 hash)
{
	return hash ^ hash >> 32;
}

static __always_inline __u64 rv_chain_begin(__u64 key)
{
	return key ^ RV_HASH_CHAIN;
}

/* Labels enter from the top level inwards; the chain is then the hash of that suffix. */
static __always_inline __u64 rv_chain_step(__u64 chain, __u64 label)
{
	chain = (chain ^ label) * RV_HASH_CHAIN;
	return chain ^ chain >> 29;
}

/* The two buckets of a suffix, never the same. */
struct rv_name_place {
	__u32 first;
	__u32 second;
};

static __always_inline struct rv_name_place rv_name_place(__u64 chain, __u32 mask)
{
	__u64 hash = chain * RV_HASH_PLACE;
	struct rv_name_place place;

	hash ^= hash >> 32;
	place.first = (__u32)hash & mask;
	place.second = (__u32)(hash >> 32) & mask;
	if (place.second == place.first)
		place.second ^= 1;
	return place;
}

/* Whether slot and chain agree in the 48 bits of the tag. */
static __always_inline bool rv_same_tag(__u64 slot, __u64 chain)
{
	return !((slot ^ chain) >> 16);
}

#endif
