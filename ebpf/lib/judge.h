/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What XDP and tc ingress do alike with a packet that came in. */
#ifndef RAVELIN_LIB_JUDGE_H
#define RAVELIN_LIB_JUDGE_H

#include "lib/blocklist.h"
#include "lib/control.h"
#include "lib/event.h"
#include "lib/flow.h"
#include "lib/parse.h"

/* A packet on its way through a program. */
struct rv_visit {
	const struct rv_control *control;
	__u64 switches;
	__u32 ifindex;
	struct rv_zone zone;
	/*
	 * On the wire: more than 1 where the kernel merged segments. 0: a probe, which
	 * leaves no trace.
	 */
	__u32 packets;
	__u32 length; /* bytes of the frame, Ethernet header included */
	__u64 bytes; /* of all packets on the wire */
};

static __always_inline void rv_tell_drop(const struct rv_visit *visit,
					 const struct rv_packet *packet, __u32 row,
					 __u32 value)
{
	const struct rv_blocklist_entry *entry;
	struct rv_event *event;

	if (!visit->packets)
		return;
	event = rv_event_begin(visit->control, packet, RV_EVENT_DROP, visit->ifindex,
			       visit->length, RV_REASON_SOURCE_LISTED);
	if (!event)
		return;
	entry = rv_listed_entry(row, value);
	if (entry)
		event->list = entry->list;
	event->object = value & RV_LISTED_COUNTER;
	bpf_ringbuf_submit(event, 0);
}

/*
 * ddos_protection. A listed source is dropped as soon as its address can be read, also
 * where the rest of the packet cannot: a list must not be passed by a tiny fragment.
 */
static __always_inline bool rv_judge_source(const struct rv_visit *visit,
					    const struct rv_packet *packet)
{
	__u32 row = !!(visit->switches & RV_SWITCH_ADDRESS_HALF);
	__u32 value;

	if (!(visit->switches & RV_SWITCH_DDOS_PROTECTION) || !packet->family)
		return false;
	if ((visit->switches & RV_SWITCH_DDOS_EXTERNAL_ONLY) &&
	    !(visit->zone.flags & RV_ZONE_EXTERNAL))
		return false;
	value = rv_source_listed(packet, row, visit->packets, visit->bytes);
	if (!value)
		return false;
	rv_tell_drop(visit, packet, row, value);
	return true;
}

/*
 * Flow and statistics of a packet whose fate is known; a packet that ends here is no
 * flow.
 */
static __always_inline void rv_account(const struct rv_visit *visit,
				       const struct rv_packet *packet,
				       enum rv_reason reason)
{
	if (!visit->packets)
		return;
	if (reason == RV_REASON_PASS && (visit->switches & RV_SWITCH_FLOW_MONITORING) &&
	    packet->row != RV_PROTOCOL_OTHER)
		rv_flow_account(packet, visit->ifindex, visit->packets, visit->bytes);
	if (visit->switches & RV_SWITCH_STATISTICS)
		rv_statistics_add(visit->zone.slot, RV_DIRECTION_INGRESS, packet->row,
				  reason, visit->packets, visit->bytes);
}

#endif
