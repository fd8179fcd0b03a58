/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of an agent that the servers ask and that need a kernel: replaced by what a test wants
 * them to say.
 */
#ifndef TESTS_AGENT_DOUBLE_H
#define TESTS_AGENT_DOUBLE_H

#include "connections_sync.h"
#include "daemon.h"
#include "events.h"
#include "policy.h"
#include "policy_server.h"
#include "sweep.h"

struct agent_double {
	struct history history;
	struct events_follower *followers;
	struct sweep_result *swept; /* NULL: no sweep is complete */
	int reload_result;
	const char *reload_finding; /* an error if reload_result is one, else a warning */
	void (*reload_hook)(struct daemon *daemon); /* what else a reload does */
	struct policy_view messages;                /* of any client */
	struct policy_stats policy;
	struct policy_server_stats requests;
	unsigned stops;
	enum daemon_leave leave;
	enum connections_source connections_source;
	uint64_t connections_drift;
};

extern struct agent_double agent_double;

/* As if the packet path had emitted it. */
void agent_double_event(const struct history_record *record);

#endif
