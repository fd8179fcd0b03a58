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

/*
 * Answers one request, at the time now. Never blocks, never fails: what is in doubt is DUNNO. The
 * request is borrowed for the call.
 */
void policy_answer(struct policy *policy, const struct policy_request *request, struct mono_ms now,
		   char text[static POLICY_ANSWER_SIZE]);

#endif
