/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow cache (ravelin/fast.h); the sizes are defaults, user space sets them at load.
 */
#ifndef RAVELIN_MAPS_FAST_H
#define RAVELIN_MAPS_FAST_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/fast.h>
#include <ravelin/zone.h>

/* Of each family. A power of two. */
#define RV_FAST_BUCKETS_DEFAULT 65536
/* Of each family: a connection takes two, and slot 0 none. */
#define RV_FAST_FLOWS_DEFAULT 524288

#define RV_PORTS_MAX 4096

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_fast_control);
} fast_control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RV_FAST_BUCKETS_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_fast_bucket);
} fast_index4 SEC(".maps"), fast_index6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RV_FAST_FLOWS_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_fast_flow4);
} fast_flow4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RV_FAST_FLOWS_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_fast_flow6);
} fast_flow6 SEC(".maps");

/* Packets whose connection is not in the cache. Not of the cache: another may take its
 * place. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u64);
} fast_misses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RV_PORTS_MAX);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RV_PORTS_MAX);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct rv_vlan_key);
	__type(value, __u32);
} vlans SEC(".maps");

/* Keys and values are ifindexes. The loader makes the values as long as the kernel's. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, RV_ZONE_IFINDEX_LIMIT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devmap SEC(".maps");

#endif
