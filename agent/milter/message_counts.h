/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many messages became what, since this process began. They only grow: the agent is told the
 * whole of them each time, and adds what it does not have yet, so that nothing is lost or counted
 * twice however often a report has to be repeated.
 */
#ifndef MILTER_MESSAGE_COUNTS_H
#define MILTER_MESSAGE_COUNTS_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

#include "milter_report.h"

struct message_counts {
	_Atomic uint64_t messages[MILTER_ACTIONS];
	char instance[MILTER_INSTANCE_DIGITS + 1]; /* name of this process, given once */
};

struct message_counts_copy {
	uint64_t messages[MILTER_ACTIONS];
};

static inline void message_counts_add(struct message_counts *counts, enum milter_action action)
{
	(void)atomic_fetch_add_explicit(&counts->messages[action], 1, memory_order_relaxed);
}

/* The counts now; each is exact, and none is ever seen smaller than before. */
void message_counts_read(const struct message_counts *counts, struct message_counts_copy *ret_copy);

/* The arguments of a report; NULL when memory is short. */
json_t *message_counts_report(const struct message_counts *counts,
			      const struct message_counts_copy *copy,
			      const char *exceptions_version);

#endif
