/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ddos_protection drops; layout: ravelin/blocklist.h. */
#ifndef RAVELIN_MAPS_BLOCKLIST_H
#define RAVELIN_MAPS_BLOCKLIST_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/blocklist.h>
#include <ravelin/counter.h>

#include "maps/image.h"

/* Rows by RV_SWITCH_ADDRESS_HALF. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__array(values, rv_image_map);
} xdp_blocklist SEC(".maps");

/* Set at load to the number of entries that fit. */
#define RV_BLOCKLIST_DEFAULT 131072

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RV_BLOCKLIST_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct rv_counter);
} blocklist_hits SEC(".maps");

#endif
