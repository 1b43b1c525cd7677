/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of a flow as programs share it: a seqlock. Plain loads and stores in between
 * keep their order on x86-64 and by the compiler barriers here.
 */
#ifndef RAVELIN_LIB_FAST_PATH_H
#define RAVELIN_LIB_FAST_PATH_H

#include "lib/fast_find.h"

/* A copy of the way. */
struct rv_fast_way {
	struct rv_fast_path path;
	__u16 ingress_vlan;
	__u16 egress_vlan;
	__u8 own_mac[ETH_ALEN];
	__u8 pad[2];
};

static __always_inline void rv_fast_barrier(void)
{
	asm volatile("" ::: "memory");
}

static __always_inline __u32 rv_fast_generation(const __u32 *generation)
{
	return *(const volatile __u32 *)generation;
}

/* Copies the way. False: it is not of this generation. */
static __always_inline bool rv_fast_way_read(struct rv_fast_way *way,
					     const struct rv_fast_path *path,
					     const struct rv_fast_rest *rest,
					     __u32 generation)
{
	if (rv_fast_generation(&path->generation) != generation)
		return false;
	rv_fast_barrier();
	way->path = *path;
	way->ingress_vlan = rest->ingress_vlan;
	way->egress_vlan = rest->egress_vlan;
	__builtin_memcpy(rv_words(way->own_mac), rv_words(rest->own_mac),
			 sizeof(way->own_mac));
	rv_fast_barrier();
	return rv_fast_generation(&path->generation) == generation;
}

/*
 * Writes the way, way->path.generation last. Does nothing where another CPU is at it:
 * what that writes is as good.
 */
static __always_inline void rv_fast_way_write(const struct rv_fast_way *way,
					      struct rv_fast_path *path,
					      struct rv_fast_rest *rest)
{
	__u32 before = rv_fast_generation(&path->generation);

	if (before == (__u32)RV_FAST_LEARNING ||
	    __sync_val_compare_and_swap(&path->generation, before,
					(__u32)RV_FAST_LEARNING) != before)
		return;
	path->ingress = way->path.ingress;
	path->egress = way->path.egress;
	path->ingress_tag = way->path.ingress_tag;
	path->egress_tag = way->path.egress_tag;
	path->mtu = way->path.mtu;
	path->refusal = way->path.refusal;
	__builtin_memcpy(path->destination_mac, way->path.destination_mac, ETH_ALEN);
	__builtin_memcpy(path->source_mac, way->path.source_mac, ETH_ALEN);
	rest->ingress_vlan = way->ingress_vlan;
	rest->egress_vlan = way->egress_vlan;
	__builtin_memcpy(rest->own_mac, way->own_mac, ETH_ALEN);
	__sync_lock_test_and_set(&path->generation, way->path.generation);
}

/* Whether the frame came as those the way was learned from, and is for us. */
static __always_inline bool rv_fast_came_the_way(const struct rv_fast_way *way,
						 const struct rv_fast_view *view,
						 const struct rv_fast_headers *headers,
						 __u32 ingress)
{
	const __u8 *to = headers->ethernet->h_dest;

	return way->path.ingress == ingress && way->path.ingress_tag == view->tag &&
	       *(const __u32 *)rv_words(way->own_mac) == *(const __u32 *)rv_words(to) &&
	       *(const __u16 *)rv_words(way->own_mac + 4) ==
		       *(const __u16 *)rv_words(to + 4);
}

#endif
