/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The policy (ravelin/policy.h) and the classes of addresses (ravelin/index.h). */
#ifndef RAVELIN_MAPS_POLICY_H
#define RAVELIN_MAPS_POLICY_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/counter.h>

#include "maps/image.h"

/* Rows by RV_SWITCH_POLICY_HALF. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__array(values, rv_image_map);
} policy SEC(".maps"), policy_classes SEC(".maps");

#define RV_POLICY_COUNTERS_DEFAULT 131072

/* Packets the programs dropped, by rv_policy_rule.counter. Sized at load. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RV_POLICY_COUNTERS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_counter);
} rule_hits SEC(".maps");

#endif
