/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_LIB_EVENT_H
#define RAVELIN_LIB_EVENT_H

#include <bpf/bpf_endian.h>

#include <ravelin/control.h>
#include <ravelin/reason.h>

#include "lib/packet.h"
#include "maps/event.h"

#define RV_SECOND_NS 1000000000ull

/* Over budget, one packet in so many looks at the clock: a flood costs no more for it. */
#define RV_EVENT_CLOCK_MASK 15

/*
 * Takes one event from this second's budget. The coarse clock is exact enough. The rate
 * is read once: user space changes it at any time.
 */
static __always_inline struct rv_event_budget *
rv_event_allowed(const struct rv_control *control)
{
	__u64 rate = *(const volatile __u64 *)&control->event_rate;
	__u32 key = 0;
	struct rv_event_budget *budget = bpf_map_lookup_elem(&event_budget, &key);
	__u64 now, over;

	if (!budget)
		return NULL;
	if (budget->sent >= rate) {
		over = budget->sent - rate;
		now = over & RV_EVENT_CLOCK_MASK ? budget->window_ns
						 : bpf_ktime_get_coarse_ns();
		if (now - budget->window_ns < RV_SECOND_NS) {
			budget->sent++;
			budget->suppressed++;
			return NULL;
		}
		budget->window_ns = now;
		budget->sent = 0;
	}
	budget->sent++;
	return budget;
}

/*
 * Describes the packet in the record. A global function as a rare one, and to have the
 * record in the object's BTF, which tests compare with the Rust mirror.
 */
__noinline int rv_event_describe(struct rv_event *event, const struct rv_packet *packet,
				 __u32 ifindex, __u32 length)
{
	if (!event || !packet)
		return -1;
	event->version = RV_EVENT_VERSION;
	event->length = sizeof(*event);
	event->ktime_ns = bpf_ktime_get_ns();
	event->ifindex = ifindex;
	event->frame_length = length;
	event->family = packet->family;
	event->protocol = packet->protocol;
	event->source_port = bpf_ntohs(packet->source_port);
	event->destination_port = bpf_ntohs(packet->destination_port);
	__builtin_memcpy(event->source, packet->source, sizeof(event->source));
	__builtin_memcpy(event->destination, packet->destination,
			 sizeof(event->destination));
	return 0;
}

/*
 * Tells user space of a packet, if the budget allows. Returns the record to finish and
 * submit, or NULL.
 */
static __always_inline struct rv_event *rv_event_begin(const struct rv_control *control,
						       const struct rv_packet *packet,
						       enum rv_event_kind kind,
						       __u32 ifindex, __u32 length,
						       enum rv_reason reason)
{
	struct rv_event_budget *budget = rv_event_allowed(control);
	struct rv_event *event;

	if (!budget)
		return NULL;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		budget->lost++;
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->reason = reason;
	rv_event_describe(event, packet, ifindex, length);
	return event;
}

#endif
