/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What synanvil-milter and the agent have to agree on beside the control protocol: where the
 * reports go, who may bring them, and what is counted.
 */
#ifndef AGENT_MILTER_REPORT_H
#define AGENT_MILTER_REPORT_H

#include <stddef.h>
#include <sys/types.h>

/* What became of a message, in the order of the metric's label values. */
enum milter_action {
	MILTER_ACCEPT,
	MILTER_TRUNCATE,
	MILTER_REJECT,
	MILTER_WOULD_TRUNCATE,
	MILTER_WOULD_REJECT,
};

#define MILTER_ACTIONS 5

/* "accept", "truncate", ... */
const char *milter_action_name(enum milter_action action);

/* The agent's socket for reports: control_socket with this behind it. The control socket itself is
 * not for the milter's user. */
#define MILTER_REPORT_SUFFIX ".milter"

/* The path, to be freed; NULL when memory is short. */
char *milter_report_socket(const char *control_socket);

/* An instance's name: 128 random bits. */
#define MILTER_INSTANCE_DIGITS 32

/* Whom the milter becomes when root starts it: the user synanvil-milter, else nobody. -ESRCH: there
 * is neither. Not for threads. */
int milter_user_find(uid_t *ret_user, gid_t *ret_group);

#endif
