/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_MAPS_STATISTICS_H
#define RAVELIN_MAPS_STATISTICS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/statistics.h>
#include <ravelin/zone.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RV_ZONE_SLOTS * 2);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_statistics);
} statistics SEC(".maps");

#endif
