/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps of images; layout: ravelin/image.h. The inner map here is a template: user space
 * makes maps of as many pages as an image has and puts them into the rows.
 */
#ifndef RAVELIN_MAPS_IMAGE_H
#define RAVELIN_MAPS_IMAGE_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <ravelin/image.h>

/*
 * Without a tag, and the value by its size: of a struct with a name that is only pointed
 * to, clang tells no more than the name.
 */
typedef struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	/* BPF_F_INNER_MAP: those in the rows may have other numbers of pages. */
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct rv_image_page));
} rv_image_map;

#endif
