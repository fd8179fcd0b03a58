/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a request to an answer: looks up what is known of the client (exceptions, counters, the
 * message's instance, free space), lets decide.c decide, counts and reports the decision. Lives as
 * long as the agent; its counters survive a reload.
 */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "daemon.h"
#include "decide.h"
#include "policy_protocol.h"

struct policy;

/* 0 or -ENOMEM. Needs daemon->loop; counters of all services of daemon->config and later ones. */
int policy_new(struct daemon *daemon, struct policy **ret_policy);

/* Accepts NULL. Returns NULL. */
struct policy *policy_free(struct policy *policy);

/* Who asks: one connection to the policy service. */
struct policy_asker {
	uint64_t connection; /* never that of another one while the agent runs; 0 is none */
	int fd;              /* its socket: whose process asks is found out by it; -1: not known */
};

/*
 * Answers one request, at the time now. Never blocks, never fails: what is in doubt is DUNNO. The
 * request is borrowed for the call. Counts the decision and reports refusals.
 */
void policy_answer(struct policy *policy, const struct policy_request *request,
		   const struct policy_asker *asker, struct mono_ms now,
		   char text[static POLICY_ANSWER_SIZE]);

/*
 * To be told once a connection is gone. While it is there, it alone counts a message's recipients
 * that it has begun to count: two services in Postfix' lists make two connections, and each
 * recipient is asked about on both.
 */
void policy_connection_closed(struct policy *policy, uint64_t connection);

#endif
