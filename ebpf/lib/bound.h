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

/*
 * The value, of which the verifier forgets the bounds: loops it walks with ever other
 * bounds look the same to it. unknown: anything it cannot know.
 */
static __always_inline __u32 rv_forget_bounds(__u32 value, __u32 unknown)
{
	asm volatile("%0 ^= %1\n\t%0 ^= %1" : "+r"(value) : "r"(unknown));
	return value;
}

/*
 * All ones where a < b, else 0. A loop of the verifier's must not branch but to its end:
 * it walks both ways, at every turn.
 */
static __always_inline __u64 rv_less(__u64 a, __u64 b)
{
	__u64 borrow = rv_forget((~a & b) | ((~a | b) & (a - b)));

	return rv_forget((__s64)borrow >> 63);
}

#endif
