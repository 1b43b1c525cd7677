/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_LIB_BOUND_H
#define RAVELIN_LIB_BOUND_H

#include <linux/types.h>

/*
 * value & mask. clang drops a mask it can prove useless; the verifier still needs to
 * see it.
 */
static __always_inline __u64 rv_bound(__u64 value, __u64 mask)
{
	asm volatile("%0 &= %1" : "+r"(value) : "ri"(mask));
	return value;
}

/*
 * Makes clang forget what it knows of a value, so that it keeps a check that the
 * verifier, which cannot know it, has to see.
 */
static __always_inline __u64 rv_forget(__u64 value)
{
	asm volatile("" : "+r"(value));
	return value;
}

#endif
