/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The name table of dns_blocklist (layout: ravelin/dns.h) and the room its queries are
 * judged in.
 */
#ifndef RAVELIN_MAPS_DNS_H
#define RAVELIN_MAPS_DNS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/counter.h>
#include <ravelin/dns.h>

#define RV_NAME_BUCKETS_DEFAULT 131072

/*
 * Buckets of one half of "dns_blocklist". Set at load together with the size of the
 * map.
 */
const volatile __u32 rv_name_half = RV_NAME_BUCKETS_DEFAULT;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * RV_NAME_BUCKETS_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_name_bucket);
} dns_blocklist SEC(".maps");

/* Row set * 2: queries for the listed name itself; set * 2 + 1: for names below it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * RV_NAME_SETS);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_counter);
} dns_hits SEC(".maps");

/*
 * Too large for the stack. XDP and tc run to their end with bottom halves off: one user
 * per CPU.
 */
struct rv_dns_scratch {
	/* State of the scan over the bytes of the name. */
	__u64 key; /* of the name table in use */
	__u64 hash; /* of the label so far */
	__u32 left; /* bytes the label still has; 0: a length comes next */
	__u32 labels_count;
	__u32 name_length; /* root label included; 0: its end has not been seen */
	/* State of the walk over its suffixes. */
	__u32 hit; /* row of "dns_hits" + 1; 0: nothing yet */
	__u64 chain;
	__u32 base; /* first bucket of the half in use */
	__u32 mask;
	__u64 labels[RV_NAME_LABELS_MAX + 1]; /* hash of each label, leftmost first */
	__u8 name[RV_NAME_MAX + 1]; /* the name in lower case */
	__u8 message[544]; /* the query, then the reply; room for every masked offset */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_dns_scratch);
} dns_scratch SEC(".maps");

#endif
