/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_LIB_STATISTICS_H
#define RAVELIN_LIB_STATISTICS_H

#include "lib/bound.h"
#include "maps/statistics.h"

static __always_inline void rv_count(struct rv_counter *counter, __u64 packets,
				     __u64 bytes)
{
	counter->packets += packets;
	counter->bytes += bytes;
}

/* Adds a packet to its one cell. column: a reason, or one of enum rv_column. */
static __always_inline void rv_statistics_add(__u32 slot, enum rv_direction direction,
					      __u32 row, __u32 column, __u64 packets,
					      __u64 bytes)
{
	__u32 key = slot * 2 + direction;
	struct rv_statistics *rows = bpf_map_lookup_elem(&statistics, &key);

	if (!rows)
		return;
	row = rv_bound(row, RV_PROTOCOL_CAPACITY - 1);
	rv_count(&rows->cell[row][rv_bound(column, RV_REASON_CAPACITY - 1)], packets,
		 bytes);
}

#endif
