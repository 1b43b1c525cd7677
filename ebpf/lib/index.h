/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking an address up in an index; layout: ravelin/index.h. */
#ifndef RAVELIN_LIB_INDEX_H
#define RAVELIN_LIB_INDEX_H

#include <ravelin/index.h>

#include "lib/image.h"

/* Entry number of a directory; like rv_image_at() for half a slot. */
static __always_inline const struct rv_index_entry *
rv_index_entry_at(void *pages, __u32 first, __u32 number)
{
	const __u32 entries = 2 * RV_IMAGE_PAGE_SLOTS;
	__u32 at = first * 2 + number;
	__u32 page = at / entries;
	const struct rv_image_page *found = bpf_map_lookup_elem(pages, &page);

	if (!found)
		return NULL;
	return (const struct rv_index_entry *)((const char *)found +
					       rv_bound(at, entries - 1) *
						       sizeof(struct rv_index_entry));
}

/* Value of the address in the image of a row of a map; 0: it has none. */
static __always_inline __u32 rv_index_find4(void *map, __u32 row, __u32 address)
{
	const struct rv_index_header *header;
	const struct rv_index_entry *entry;
	__u32 first, next, low, high;
	void *pages = bpf_map_lookup_elem(map, &row);

	if (!pages)
		return 0;
	header = rv_image_at(pages, 0, sizeof(*header));
	if (!header)
		return 0;
	first = header->root[0].first;
	next = header->root[0].next;
	for (int i = 0; i < RV_INDEX_DEPTH && next & RV_INDEX_DIRECTORY; i++) {
		__u32 skip = (next >> RV_INDEX_SKIP_SHIFT) & 31;
		__u32 bits = next & RV_INDEX_BITS_MASK;

		entry = rv_index_entry_at(pages, first,
					  (address << skip) >> ((32 - bits) & 31));
		if (!entry)
			return 0;
		first = entry->first;
		next = entry->next;
	}
	if (next & RV_INDEX_DIRECTORY)
		return 0;
	low = first;
	high = first + next;
	for (int i = 0; i < RV_INDEX_STEPS; i++) {
		const struct rv_index_row4 *at;
		__u32 middle;

		low = rv_forget_bounds(low, address);
		high = rv_forget_bounds(high, address);
		if (low >= high)
			return 0;
		middle = low + (high - low) / 2;
		at = rv_image_at(pages, middle, sizeof(*at));
		if (!at)
			return 0;
		if (address < at->start)
			high = middle;
		else if (address > at->end)
			low = middle + 1;
		else
			return at->value;
	}
	return 0;
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
	const struct rv_index_header *header;
	const struct rv_index_entry *entry;
	__u32 first, next, low, high;
	void *pages = bpf_map_lookup_elem(map, &row);

	if (!pages)
		return 0;
	header = rv_image_at(pages, 0, sizeof(*header));
	if (!header)
		return 0;
	first = header->root[1].first;
	next = header->root[1].next;
	for (int i = 0; i < RV_INDEX_DEPTH && next & RV_INDEX_DIRECTORY; i++) {
		__u32 skip = (next >> RV_INDEX_SKIP_SHIFT) & RV_INDEX_SKIP_MASK;
		__u32 bits = next & RV_INDEX_BITS_MASK;
		__u64 number =
			rv_index_bits6(high_word, low_word, skip) >> ((64 - bits) & 63);

		entry = rv_index_entry_at(pages, first, number);
		if (!entry)
			return 0;
		first = entry->first;
		next = entry->next;
	}
	if (next & RV_INDEX_DIRECTORY)
		return 0;
	/* In rows of two slots. */
	low = first / 2;
	high = low + next;
	for (int i = 0; i < RV_INDEX_STEPS; i++) {
		const struct rv_index_row6 *at;
		__u32 middle;

		low = rv_forget_bounds(low, high_word);
		high = rv_forget_bounds(high, high_word);
		if (low >= high)
			return 0;
		middle = low + (high - low) / 2;
		at = rv_image_at(pages, middle * 2, sizeof(*at));
		if (!at)
			return 0;
		if (high_word < at->start[0]) {
			high = middle;
		} else if (high_word > at->start[0]) {
			if (at->whole && high_word <= at->end)
				return at->value;
			low = middle + 1;
		} else if (at->whole) {
			return at->value;
		} else if (low_word < at->start[1]) {
			high = middle;
		} else if (low_word > at->end) {
			low = middle + 1;
		} else {
			return at->value;
		}
	}
	return 0;
}

#endif
