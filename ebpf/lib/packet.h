/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RAVELIN_LIB_PACKET_H
#define RAVELIN_LIB_PACKET_H

#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

/* A frame as a program sees it, XDP and tc alike. */
struct rv_frame {
	void *data;
	void *end; /* of the bytes that can be read directly */
	__u32 length; /* bytes from data to the end of the frame, also those behind end */
};

/* What the parser found. Offsets count from the start of the frame. */
struct rv_packet {
	__u32 network; /* offset of the IP header */
	__u32 transport; /* offset of the header behind the IP headers */
	__u32 payload; /* offset behind the TCP or UDP header */
	__u32 end; /* offset behind the IP packet; the frame may go on with padding */
	__u32 udp_length; /* as the UDP header has it */
	__u8 family; /* 4 or 6; 0: not IP, or no IP header that can be read */
	__u8 protocol; /* IANA number of the transport header */
	__u8 row; /* enum rv_protocol */
	__u8 tcp_flags; /* byte 13 of the TCP header */
	__u8 icmp_type; /* of an ICMP message of the packet's family */
	__u8 icmp_code;
	__u8 traffic_class; /* IPv4: the TOS byte */
	bool fragment;
	__be32 flow_label; /* IPv6: with the traffic class in front, as in the packet */
	__be16 source_port; /* 0 where the protocol has none, and in later fragments */
	__be16 destination_port;
	/* IPv4 in the first word. */
	__be32 source[4];
	__be32 destination[4];
};

/* The size bytes at offset, or NULL where the frame is shorter. */
static __always_inline void *rv_peek(const struct rv_frame *frame, __u32 offset,
				     __u32 size)
{
	void *at = frame->data + offset;

	return at + size > frame->end ? NULL : at;
}

#endif
