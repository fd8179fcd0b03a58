/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source table, read in the background in slices that delay nobody: how many sources there are,
 * and the topmost. Owns the last complete result and the one in the making.
 */
#ifndef AGENT_SWEEP_H
#define AGENT_SWEEP_H

#include "daemon.h"
#include "top.h"

struct sweep;

/* What the last complete sweep found. */
struct sweep_result {
	struct mono_ms completed;
	size_t sources; /* entries of the table */
	struct top tops[TOP_ORDERS];
};

int sweep_new(struct daemon *daemon, struct sweep **ret_sweep);

/* Accepts NULL. Returns NULL. */
struct sweep *sweep_free(struct sweep *sweep);

/* NULL until the first sweep is complete. Borrowed until the caller returns to the loop. */
const struct sweep_result *sweep_last(const struct sweep *sweep);

#endif
