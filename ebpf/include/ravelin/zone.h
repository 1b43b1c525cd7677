/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_ZONE_H
#define RAVELIN_ZONE_H

#include <linux/types.h>

enum rv_zone_limit {
	/* Map "zones" is indexed by ifindex; larger ones cannot be attached. */
	RV_ZONE_IFINDEX_LIMIT = 65536,
	/* Rows of "statistics" are slot * 2 + direction. Slot 0: not attached. */
	RV_ZONE_SLOTS = 64,
};

enum rv_zone_flag {
	RV_ZONE_EXTERNAL = 1 << 0,
	/* XDP runs here, so tc ingress must not judge or count a second time. */
	RV_ZONE_XDP = 1 << 1,
};

/* Map "zones": ifindex -> what the programs need to know of the interface. */
struct rv_zone {
	__u16 slot;
	__u16 zone;
	__u32 flags;
};

#endif
