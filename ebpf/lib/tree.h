/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The decision trees over the rules of the policy; layout: ravelin/policy.h. */
#ifndef RAVELIN_LIB_TREE_H
#define RAVELIN_LIB_TREE_H

#include <stdbool.h>

#include <ravelin/policy.h>

#include "lib/image.h"
#include "maps/policy.h"

/* What a search of the trees may answer instead of a rule. */
enum rv_search_result {
	RV_RULE_NONE = 0xffffffff,
	/* The image is not whole: nobody can tell. */
	RV_RULE_UNKNOWN = 0xfffffffe,
};

/*
 * Every slot there is. To mask with it makes the verifier forget which other register had
 * the value, so that it sees when it has been here before.
 */
#define RV_SLOT_MASK 0x0fffffff

/* In a slot: there is a leaf. */
#define RV_AT_LEAF 0x80000000

/* A packet as the trees ask about it, and where the rows of the terms are. */
struct rv_key {
	__u32 words[RV_FIELDS]; /* enum rv_policy_field */
	__u32 terms; /* rv_policy_header.terms */
	__u32 terms_row_words;
};

/* Whether a term holds of the addresses of a class. Term 0 holds of all. */
static __always_inline bool rv_has_term(void *image, const struct rv_key *key,
					__u32 class, __u32 term)
{
	__u64 word = (__u64) class * key->terms_row_words + term / 64;
	const struct rv_image_page *page;
	__u32 slot = key->terms + word / 2;

	if (!term)
		return true;
	page = rv_image_page(image, slot);
	if (!page)
		return false;
	word = 2ull * slot | (word & 1);
	return page->words[rv_bound(word, 2 * RV_IMAGE_PAGE_SLOTS - 1)] >> (term & 63) &
	       1;
}

/* Whether both hold of the classes in the key. */
__noinline int rv_terms_hold(const struct rv_key *key, __u32 row, __u32 source,
			     __u32 destination)
{
	void *image;

	if (!(source | destination))
		return true;
	image = bpf_map_lookup_elem(&policy, &row);
	return image && key &&
	       rv_has_term(image, key, key->words[RV_FIELD_SOURCE_CLASS], source) &&
	       rv_has_term(image, key, key->words[RV_FIELD_DESTINATION_CLASS],
			   destination);
}

/*
 * The comparisons of a box are sums whose sign says "wrong", not conditions: the verifier
 * would walk every combination of what holds, for every box of a leaf.
 */

/* Negative unless value is from first to last. */
static __always_inline __s64 rv_outside(__u32 value, const __u16 *range)
{
	return ((__s64)value - range[0]) | ((__s64)range[1] - value);
}

/* Negative unless the bits, fewer than 64 of them, are 0. */
static __always_inline __s64 rv_nonzero(__u64 bits)
{
	return -(__s64)bits;
}

/* Negative unless the box asks for what the packet has, its addresses aside. */
static __always_inline __s64 rv_box_wrong(const struct rv_box *box,
					  const struct rv_key *key)
{
	const __u32 *words = key->words;
	__s64 a_protocol = rv_forget((box->flags & RV_BOX_ANY_PROTOCOL) - 1ll);
	__s64 a_from = rv_forget(rv_nonzero(box->from_zone));
	__s64 a_to = rv_forget(rv_nonzero(box->to_zone));

	return rv_outside(words[RV_FIELD_SOURCE_PORT], box->source_port) |
	       rv_outside(words[RV_FIELD_DESTINATION_PORT], box->destination_port) |
	       (a_from & rv_nonzero(words[RV_FIELD_FROM_ZONE] ^ box->from_zone)) |
	       (a_to & rv_nonzero(words[RV_FIELD_TO_ZONE] ^ box->to_zone)) |
	       (a_protocol & rv_nonzero(words[RV_FIELD_PROTOCOL] ^ box->protocol));
}

/* Negative unless the address is in the network. */
static __always_inline __s64 rv_not_in4(__u32 address, __u32 network, __u8 bits)
{
	return rv_nonzero((__u64)(address ^ network) >> ((32 - bits) & 63));
}

/* Half of an IPv6 address. */
static __always_inline __u64 rv_two_words(const __u32 *words)
{
	return (__u64)words[0] << 32 | words[1];
}

/* The first bits of a word, 0 to 63, at its low end: there is no shift by 64. */
static __always_inline __u64 rv_first_bits(__u64 word, __u64 bits)
{
	return word >> 1 >> ((63 - bits) & 63);
}

/* The same for IPv6. */
static __always_inline __s64 rv_not_in6(const __u64 *address, const __u64 *network,
					__u64 bits)
{
	__u64 high = address[0] ^ network[0], low = address[1] ^ network[1];
	/* All ones: bits is less than 64; it is 128. */
	__u64 is_short = rv_forget((__s64)(bits - 64) >> 63);
	__u64 is_whole = rv_forget((__s64)(127 - bits) >> 63);
	__u64 wrong = is_short & rv_first_bits(high, bits);

	wrong |= ~is_short & (high | rv_first_bits(low, bits - 64));
	wrong |= is_whole & low;
	return rv_nonzero(wrong >> 1 | (wrong & 1));
}

/*
 * From a slot on as far as one page goes. The slot of the leaf the packet comes to with
 * RV_AT_LEAF, or the first slot in another page; RV_RULE_NONE: no subtree there has a
 * rule better than "best". Global functions, here and below: the verifier walks each
 * once.
 */
__noinline __u32 rv_descend(const struct rv_key *key, __u32 row, __u32 slot, __u32 best)
{
	void *image = bpf_map_lookup_elem(&policy, &row);
	const struct rv_image_page *page = image ? rv_image_page(image, slot) : NULL;
	const struct rv_node *node;
	__u32 next, right;

	if (!key || !page)
		return RV_RULE_UNKNOWN;
	for (int i = 0; i < RV_POLICY_DEPTH; i++) {
		node = rv_page_at(page, slot, sizeof(*node));
		if (node->best >= best)
			return RV_RULE_NONE;
		if (node->field == RV_FIELD_LEAF)
			return rv_bound(slot, RV_SLOT_MASK) | RV_AT_LEAF;
		right = rv_less(node->threshold,
				key->words[rv_bound(node->field, RV_FIELDS - 1)]);
		next = (node->right & right) | ((slot + 1) & ~right);
		if ((next ^ slot) / RV_IMAGE_PAGE_SLOTS)
			return rv_bound(next, RV_SLOT_MASK);
		slot = rv_bound(next, RV_SLOT_MASK);
	}
	return RV_RULE_UNKNOWN;
}

/* The same from a root to its end; RV_RULE_UNKNOWN: the image is not whole. */
__noinline __u32 rv_leaf(const struct rv_key *key, __u32 row, __u32 slot, __u32 best)
{
	if (!key)
		return RV_RULE_UNKNOWN;
	for (int i = 0; i < RV_POLICY_DEPTH; i++) {
		slot = rv_descend(key, row, slot, best);
		if (slot > RV_SLOT_MASK)
			return slot;
	}
	return RV_RULE_UNKNOWN;
}

/* The boxes of a leaf: all in one page. */
struct rv_boxes {
	const struct rv_image_page *page; /* NULL: there are none to look at */
	__u32 first; /* slot */
	__u32 count;
};

/* *rule: the best so far; RV_RULE_UNKNOWN where the image is not whole. */
static __always_inline struct rv_boxes rv_boxes_of(void *image, const struct rv_key *key,
						   __u32 row, __u32 root, __u32 *rule)
{
	struct rv_boxes boxes = {};
	const struct rv_node *node;
	__u32 leaf = rv_leaf(key, row, root, *rule);

	if (leaf == RV_RULE_NONE)
		return boxes;
	node = rv_image_at(image, leaf & RV_SLOT_MASK, sizeof(*node));
	if (leaf != RV_RULE_UNKNOWN && node) {
		boxes.first = node->right;
		boxes.count = node->count;
		boxes.page = rv_image_page(image, boxes.first);
	}
	if (!boxes.page)
		*rule = RV_RULE_UNKNOWN;
	return boxes;
}

/*
 * The best rule of a tree that matches an IPv4 packet if it is better than "best", else
 * "best". A global function, so that the verifier walks it once and not for every root.
 */
__noinline __u32 rv_tree4(const struct rv_key *key, __u32 row, __u32 root, __u32 best)
{
	void *image = bpf_map_lookup_elem(&policy, &row);
	struct rv_boxes boxes;
	__s64 wrong;

	if (!key || !image)
		return RV_RULE_UNKNOWN;
	boxes = rv_boxes_of(image, key, row, root, &best);
	if (!boxes.page)
		return best;
	for (__u32 i = 0; i < RV_POLICY_LEAF_BOXES && i < boxes.count; i++) {
		const struct rv_box4 *at =
			rv_page_at(boxes.page, boxes.first + 2 * i, sizeof(*at));

		if (at->box.rule >= best)
			break;
		wrong = rv_not_in4(key->words[RV_FIELD_SOURCE], at->source,
				   at->box.source_bits) |
			rv_not_in4(key->words[RV_FIELD_DESTINATION], at->destination,
				   at->box.destination_bits) |
			rv_box_wrong(&at->box, key);
		if (wrong >= 0 && rv_terms_hold(key, row, at->box.source_term,
						at->box.destination_term))
			return at->box.rule;
	}
	return best;
}

/* The same for IPv6. */
__noinline __u32 rv_tree6(const struct rv_key *key, __u32 row, __u32 root, __u32 best)
{
	void *image = bpf_map_lookup_elem(&policy, &row);
	struct rv_boxes boxes;
	__u64 source[2], destination[2];
	__s64 wrong;

	if (!key || !image)
		return RV_RULE_UNKNOWN;
	boxes = rv_boxes_of(image, key, row, root, &best);
	if (!boxes.page)
		return best;
	for (int i = 0; i < 2; i++) {
		source[i] = rv_two_words(&key->words[RV_FIELD_SOURCE + 2 * i]);
		destination[i] = rv_two_words(&key->words[RV_FIELD_DESTINATION + 2 * i]);
	}
	for (__u32 i = 0; i < RV_POLICY_LEAF_BOXES && i < boxes.count; i++) {
		const struct rv_box6 *at =
			rv_page_at(boxes.page, boxes.first + 4 * i, sizeof(*at));

		if (at->box.rule >= best)
			break;
		wrong = rv_not_in6(source, at->source, at->box.source_bits) |
			rv_not_in6(destination, at->destination,
				   at->box.destination_bits) |
			rv_box_wrong(&at->box, key);
		if (wrong >= 0 && rv_terms_hold(key, row, at->box.source_term,
						at->box.destination_term))
			return at->box.rule;
	}
	return best;
}

#endif
