/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The address index of ddos_protection; layout: ravelin/blocklist.h. */
#ifndef RAVELIN_MAPS_BLOCKLIST_H
#define RAVELIN_MAPS_BLOCKLIST_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/blocklist.h>
#include <ravelin/counter.h>

#define RV_BLOCKLIST_DEFAULT 131072

/*
 * Rows of one half of "xdp_blocklist4" and "xdp_blocklist6". Set at load with their
 * size.
 */
const volatile __u32 rv_range_half = RV_BLOCKLIST_DEFAULT;

/* Rows of one half of "blocklist_entry". Set at load with its size. */
const volatile __u32 rv_entry_half = RV_BLOCKLIST_DEFAULT;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * RV_BLOCKLIST_ROWS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_bucket);
} blocklist_dir4 SEC(".maps"), blocklist_dir6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * RV_BLOCKLIST_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_range4);
} xdp_blocklist4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * RV_BLOCKLIST_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_range6);
} xdp_blocklist6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * RV_BLOCKLIST_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_blocklist_entry);
} blocklist_entry SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RV_BLOCKLIST_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_counter);
} blocklist_hits SEC(".maps");

#endif
