/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Passes everything. Sits on the far ends of the lab's links: see lab.sh. */

#define SECTION(name) __attribute__((section(name), used))

/* linux/bpf.h */
#define XDP_PASS 2

SECTION("xdp") int pass(void *context)
{
	return XDP_PASS;
}

SECTION("license") char dual[] = "Dual BSD/GPL";
