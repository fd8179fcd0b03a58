/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet path's program and maps: opened from the skeleton, joined with the maps that an
 * earlier agent left, loaded. Owns the BPF object and the pins of its maps; links are
 * attachment.h's.
 */
#ifndef AGENT_BPF_OBJECT_H
#define AGENT_BPF_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "explanation.h"
#include "tables.h"

struct bpf_program_set;

/*
 * Loads the program into the kernel. Maps pinned in the working directory are adopted if they were
 * made for the same ABI and table size; otherwise there are new ones, which get the pins' names
 * only with bpf_object_pin. verbose lets libbpf's own messages through. *ret_tables borrows from
 * *ret_program.
 */
int bpf_object_load(uint32_t source_table_size, bool verbose, struct bpf_program_set **ret_program,
		    struct tables *ret_tables, struct explanation *reterr_why);

bool bpf_object_adopted(const struct bpf_program_set *program);

/*
 * Pins the maps that are not adopted, in place of those that were. To be called when they hold all
 * that the packet path needs: from the end of it on the next start adopts them.
 */
int bpf_object_pin(struct bpf_program_set *program, struct explanation *reterr_why);

/* The loaded program; borrowed. */
int bpf_object_program_fd(const struct bpf_program_set *program);

/* A map of the packet path by its name, or -ENOENT; borrowed. */
int bpf_object_map_fd(const struct bpf_program_set *program, const char *name);

/* Accepts NULL. Returns NULL. What is pinned or attached lives on. */
struct bpf_program_set *bpf_object_free(struct bpf_program_set *program);

#endif
