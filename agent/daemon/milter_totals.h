/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the milter's processes have reported: sums that survive theirs and the agent's restarts.
 *
 * Each process tells all that it ever counted; what was known of it before is taken off, so that a
 * report that comes twice counts once. All but load and store is pure.
 */
#ifndef AGENT_MILTER_TOTALS_H
#define AGENT_MILTER_TOTALS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "milter_report.h"
#include "mono.h"

/* Processes whose counts are remembered; of more, the one that was silent longest is forgotten: it
 * has ended. */
#define MILTER_INSTANCES 32

struct milter_instance {
	char name[MILTER_INSTANCE_DIGITS + 1];
	uint64_t messages[MILTER_ACTIONS];
};

/* Zero-initialise. */
struct milter_totals {
	uint64_t messages[MILTER_ACTIONS];
	struct milter_instance instances[MILTER_INSTANCES]; /* the last heard of first */
	size_t count;
	struct mono_ms reported; /* when the last report came; 0: none has since the start */
};

/* arguments of a "milter report". *ret_changed: there was something new. 0; -EINVAL with a line in
 * *reterr_message, to be freed. */
int milter_totals_add(struct milter_totals *totals, const json_t *arguments, bool *ret_changed,
		      char **reterr_message);

/* {"accept": n, ...}; NULL when memory is short. */
json_t *milter_messages_json(const uint64_t messages[static MILTER_ACTIONS]);

/* As they are kept, and back; -EINVAL: that is no such object. */
json_t *milter_totals_json(const struct milter_totals *totals);
int milter_totals_parse(const json_t *object, struct milter_totals *ret_totals);

/* From the file in state_directory; a missing one has nothing. 0, -EINVAL (damaged), or -errno. */
int milter_totals_load(const char *directory, struct milter_totals *ret_totals);

/* Replaces the file. 0 or -errno. */
int milter_totals_store(const char *directory, const struct milter_totals *totals);

#endif
