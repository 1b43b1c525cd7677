/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking an address up in an index; layout: ravelin/index.h. */
#ifndef RAVELIN_LIB_INDEX_H
#define RAVELIN_LIB_INDEX_H

#include <stdbool.h>

#include <ravelin/index.h>

#include "lib/image.h"

/* Buckets as they lie in the image. */
struct rv_index_bucket4 {
	struct rv_index_row4 rows[RV_INDEX_BUCKET_ROWS];
};

struct rv_index_bucket6 {
	struct rv_index_row6 rows[RV_INDEX_BUCKET_ROWS];
};

/*
 * Value of the row if it holds the address, else 0. Without a branch: which row of a
 * bucket holds an address cannot be predicted.
 */
static __always_inline __u32 rv_index_value4(const struct rv_index_row4 *row,
					     __u32 address)
{
	__u64 offset = (__u32)(address - row->start);
	/* Of two 32-bit numbers: the sign is in every bit of the upper half. */
	__u64 left = rv_forget((__u64)row->length - offset);

	return row->value & ((__u32)(left >> 63) - 1);
}

static __always_inline __u32 rv_index_value6(const struct rv_index_row6 *row,
					     __u64 high_word, __u64 low_word)
{
	__u64 part = rv_forget(-(__u64)(row->kind & RV_INDEX_PART));
	__u64 word = high_word ^ ((high_word ^ low_word) & part);
	__u64 other = (high_word ^ row->high) & part;
	__u64 offset = word - row->start;
	__u64 length = row->length;
	/* Highest bits: the borrow of length - offset, and whether other is not 0. */
	__u64 beyond =
		rv_forget((~length & offset) | (~(length ^ offset) & (length - offset)));
	__u64 differs = rv_forget(other | -other);

	return row->value & ((__u32)((beyond | differs) >> 63) - 1);
}

/* What leads to the addresses of a family: 0 IPv4, 1 IPv6. */
static __always_inline bool rv_index_root(void *pages, __u32 family,
					  struct rv_index_link *link)
{
	const struct rv_index_header *header = rv_image_at(pages, 0, sizeof(*header));

	if (!header)
		return false;
	*link = header->root[family];
	return true;
}

/* Value of the address among sorted rows. */
static __always_inline __u32 rv_index_search4(void *pages, struct rv_index_link link,
					      __u32 address)
{
	__u32 low = link.first;
	__u32 high = link.first + link.next;

	for (int i = 0; i < RV_INDEX_STEPS; i++) {
		const struct rv_index_row4 *row;
		__u32 middle;

		low = rv_forget_bounds(low, address);
		high = rv_forget_bounds(high, address);
		if (low >= high)
			return 0;
		middle = low + (high - low) / 2;
		row = rv_image_at(pages, middle, sizeof(*row));
		if (!row)
			return 0;
		if (address < row->start)
			high = middle;
		else if (address - row->start > row->length)
			low = middle + 1;
		else
			return row->value;
	}
	return 0;
}

static __always_inline __u32 rv_index_search6(void *pages, struct rv_index_link link,
					      __u64 high_word, __u64 low_word)
{
	/* In rows of two slots. */
	__u32 low = link.first / 2;
	__u32 high = low + link.next;

	for (int i = 0; i < RV_INDEX_STEPS; i++) {
		const struct rv_index_row6 *row;
		__u64 word = high_word;
		__u32 middle;

		low = rv_forget_bounds(low, high_word);
		high = rv_forget_bounds(high, high_word);
		if (low >= high)
			return 0;
		middle = low + (high - low) / 2;
		row = rv_image_at(pages, middle * 2, sizeof(*row));
		if (!row)
			return 0;
		if (row->kind == RV_INDEX_PART) {
			if (high_word < row->high) {
				high = middle;
				continue;
			}
			if (high_word > row->high) {
				low = middle + 1;
				continue;
			}
			word = low_word;
		}
		if (word < row->start)
			high = middle;
		else if (word - row->start > row->length)
			low = middle + 1;
		else
			return row->value;
	}
	return 0;
}

/* Value of the address in the image of a row of a map; 0: it has none. */
static __always_inline __u32 rv_index_find4(void *map, __u32 row, __u32 address)
{
	void *pages = bpf_map_lookup_elem(map, &row);
	const struct rv_index_bucket4 *bucket;
	struct rv_index_link link;

	if (!pages || !rv_index_root(pages, 0, &link))
		return 0;
	for (int i = 0; i < RV_INDEX_DEPTH && link.next & RV_INDEX_DIRECTORY; i++) {
		__u32 skip = (link.next >> RV_INDEX_SKIP_SHIFT) & 31;
		__u32 bits = link.next & RV_INDEX_BITS_MASK;
		__u32 number = (address << skip) >> ((32 - bits) & 31);

		bucket = rv_image_at(pages, link.first + number * RV_INDEX_BUCKET_ROWS,
				     sizeof(*bucket));
		if (!bucket)
			return 0;
		if (!bucket->rows[0].link)
			return rv_index_value4(&bucket->rows[0], address) |
			       rv_index_value4(&bucket->rows[1], address) |
			       rv_index_value4(&bucket->rows[2], address) |
			       rv_index_value4(&bucket->rows[3], address);
		link.first = bucket->rows[0].start;
		link.next = bucket->rows[0].length;
	}
	if (link.next & RV_INDEX_DIRECTORY)
		return 0;
	return rv_index_search4(pages, link, address);
}

/* The 64 bits of the address after the first skip. */
static __always_inline __u64 rv_index_bits6(__u64 high, __u64 low, __u32 skip)
{
	if (skip >= 64)
		return low << (skip & 63);
	return high << (skip & 63) | low >> 1 >> (63 - (skip & 63));
}

/* The same for IPv6; the address as two host-order words. */
static __always_inline __u32 rv_index_find6(void *map, __u32 row, __u64 high_word,
					    __u64 low_word)
{
	void *pages = bpf_map_lookup_elem(map, &row);
	const struct rv_index_bucket6 *bucket;
	struct rv_index_link link;

	if (!pages || !rv_index_root(pages, 1, &link))
		return 0;
	for (int i = 0; i < RV_INDEX_DEPTH && link.next & RV_INDEX_DIRECTORY; i++) {
		__u32 skip = (link.next >> RV_INDEX_SKIP_SHIFT) & RV_INDEX_SKIP_MASK;
		__u32 bits = link.next & RV_INDEX_BITS_MASK;
		__u32 number =
			rv_index_bits6(high_word, low_word, skip) >> ((64 - bits) & 63);

		bucket =
			rv_image_at(pages, link.first + number * 2 * RV_INDEX_BUCKET_ROWS,
				    sizeof(*bucket));
		if (!bucket)
			return 0;
		if (!(bucket->rows[0].kind & RV_INDEX_LINK))
			return rv_index_value6(&bucket->rows[0], high_word, low_word) |
			       rv_index_value6(&bucket->rows[1], high_word, low_word) |
			       rv_index_value6(&bucket->rows[2], high_word, low_word) |
			       rv_index_value6(&bucket->rows[3], high_word, low_word);
		link.first = bucket->rows[0].start;
		link.next = bucket->rows[0].length;
	}
	if (link.next & RV_INDEX_DIRECTORY)
		return 0;
	return rv_index_search6(pages, link, high_word, low_word);
}

#endif
