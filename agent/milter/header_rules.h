/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in force: the limits, and whom they do not concern. One writer (the thread that talks to
 * the agent), many readers.
 */
#ifndef MILTER_HEADER_RULES_H
#define MILTER_HEADER_RULES_H

#include <pthread.h>
#include <stdint.h>

#include "config.h"
#include "header_message.h"
#include "mono.h"

struct header_rules {
	pthread_rwlock_t lock;
	struct config *config; /* owned */
	struct wall_ms loaded; /* when config was read */
	struct header_limits limits;
	struct prefix *exceptions; /* those of run time, owned */
	size_t exception_count;
	uint64_t version; /* moves with each change; from 1 */
};

/* A client, and what holds for it. Zero but for the client before it is first asked for. */
struct header_judgement {
	struct sa_address address;
	bool known;       /* the address is */
	const char *name; /* the verified one, or "unknown" */
	uint64_t version; /* of the rules that gave the rest; 0: none did */
	bool exempt;
	struct header_limits limits;
};

/* Takes config. 0 or -errno. */
int header_rules_init(struct header_rules *rules, struct config *config, struct wall_ms loaded);
void header_rules_done(struct header_rules *rules);

/* Takes what replaces the old. */
void header_rules_configure(struct header_rules *rules, struct config *config,
			    struct wall_ms loaded);
void header_rules_except(struct header_rules *rules, struct prefix *exceptions, size_t count);

/* What holds for a client now; the lists are gone through only if something has changed. */
void header_rules_judge(struct header_rules *rules, struct header_judgement *judgement);

/* The limits of a configuration. */
struct header_limits header_limits_of(const struct config *config);

#endif
