/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Internet checksum, RFC 1071: sums of words as they lie in memory, whatever the byte
 * order.
 */
#ifndef RAVELIN_LIB_CHECKSUM_H
#define RAVELIN_LIB_CHECKSUM_H

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline __u16 rv_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* size: a multiple of 4. */
static __always_inline __u16 rv_sum(const void *data, __u32 size)
{
	return rv_fold((__u32)bpf_csum_diff(NULL, 0, (void *)data, size, 0));
}

/* What a transport checksum is made of. */
struct rv_sums {
	__u16 pseudo; /* of the pseudo header, RFC 9293 section 3.1, RFC 8200 section 8.1
		       */
	__u16 rest; /* of transport header, its checksum as 0, and payload */
};

static __always_inline __u16 rv_checksum(struct rv_sums sums)
{
	return ~rv_fold((__u64)sums.pseudo + sums.rest);
}

#endif
