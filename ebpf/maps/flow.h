/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows seen; the sizes are defaults, user space sets them at load. */
#ifndef RAVELIN_MAPS_FLOW_H
#define RAVELIN_MAPS_FLOW_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/flow.h>

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 262144);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct rv_flow_key4);
	__type(value, struct rv_flow);
} flow_map4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 262144);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct rv_flow_key6);
	__type(value, struct rv_flow);
} flow_map6 SEC(".maps");

#endif
