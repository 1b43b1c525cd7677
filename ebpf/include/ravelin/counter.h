/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_COUNTER_H
#define RAVELIN_COUNTER_H

#include <linux/types.h>

/* Value of every per-CPU hit counter. Bytes include the Ethernet header. */
struct rv_counter {
	__u64 packets;
	__u64 bytes;
};

#endif
