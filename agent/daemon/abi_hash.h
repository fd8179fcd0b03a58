/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One number for everything that must agree before the maps of an earlier program may be used by
 * this one: version, each map's definition, and the layout of keys and values down to the names and
 * offsets of their members.
 */
#ifndef AGENT_ABI_HASH_H
#define AGENT_ABI_HASH_H

#include <stdint.h>

struct bpf_object;

/* Of an opened object with its sizes set; it need not be loaded. Pure. */
uint64_t abi_hash(const struct bpf_object *object);

#endif
