/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines about connections that had to be closed: who it was and why, and not more of them than
 * somebody wants to read.
 */
#ifndef AGENT_POLICY_COMPLAINT_H
#define AGENT_POLICY_COMPLAINT_H

#include <stdint.h>

#include "mono.h"

/* All zero: nothing was said yet. */
struct policy_complaints {
	struct mono_ms last;
	uint64_t unsaid; /* since then */
};

/* Why the connection of the socket fd is closed. At most one line a second. */
void policy_complain(struct policy_complaints *complaints, int fd, const char *why);

#endif
