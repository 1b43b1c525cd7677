/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_LIB_CONTROL_H
#define RAVELIN_LIB_CONTROL_H

#include "maps/control.h"

static __always_inline const struct rv_control *rv_control_get(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&control, &key);
}

/* With none of these on there is nothing to do. */
#define RV_FEATURES                                                                      \
	(RV_SWITCH_STATISTICS | RV_SWITCH_FLOW_MONITORING | RV_SWITCH_DDOS_PROTECTION |  \
	 RV_SWITCH_DNS_BLOCKLIST | RV_SWITCH_POLICY_CLASSIFIER | RV_SWITCH_FLOW_OFFLOAD)

/* The one read of the switch word: the whole packet is judged by what it returns. */
static __always_inline __u64 rv_switches(const struct rv_control *control)
{
	return *(const volatile __u64 *)&control->switches;
}

/*
 * The zone of an interface; one that user space has not described is slot 0 without
 * flags.
 */
static __always_inline struct rv_zone rv_zone_of(__u32 ifindex)
{
	const struct rv_zone *zone = bpf_map_lookup_elem(&zones, &ifindex);

	return zone ? *zone : (struct rv_zone){};
}

#endif
