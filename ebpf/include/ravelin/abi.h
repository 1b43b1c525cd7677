/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every struct shared with user space. bindgen reads this file (cargo xtask abi). */
#ifndef RAVELIN_ABI_H
#define RAVELIN_ABI_H

#include <ravelin/blocklist.h>
#include <ravelin/control.h>
#include <ravelin/counter.h>
#include <ravelin/dns.h>
#include <ravelin/event.h>
#include <ravelin/fast.h>
#include <ravelin/flow.h>
#include <ravelin/image.h>
#include <ravelin/index.h>
#include <ravelin/policy.h>
#include <ravelin/reason.h>
#include <ravelin/statistics.h>
#include <ravelin/zone.h>

#endif
