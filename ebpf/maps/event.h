/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_MAPS_EVENT_H
#define RAVELIN_MAPS_EVENT_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/event.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_event_budget);
} event_budget SEC(".maps");

#endif
