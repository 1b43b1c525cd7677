/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space tells the programs: switches and interfaces. */
#ifndef RAVELIN_MAPS_CONTROL_H
#define RAVELIN_MAPS_CONTROL_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/control.h>
#include <ravelin/zone.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RV_ZONE_IFINDEX_LIMIT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_zone);
} zones SEC(".maps");

#endif
