/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting together the policy service.
 */
#include "policy_service.h"

#include <string.h>

#include "descriptors.h"
#include "log.h"
#include "policy.h"
#include "policy_server.h"

/* What the agent needs beside the connections of the policy service. */
#define DESCRIPTORS_OTHER 512

/* Fewer connections than this and a busy mail host may want more of them. */
#define SESSIONS_WANTED 4096

static void answer(void *context, const struct policy_request *request,
		   const struct policy_asker *asker, struct mono_ms now,
		   char text[static POLICY_ANSWER_SIZE])
{
	const struct daemon *daemon = context;

	policy_answer(daemon->policy, request, asker, now, text);
}

static void closed(void *context, uint64_t connection)
{
	const struct daemon *daemon = context;

	policy_connection_closed(daemon->policy, connection);
}

static unsigned sessions_max(void)
{
	const uint64_t descriptors = descriptors_raise(POLICY_SESSIONS_MAX + DESCRIPTORS_OTHER);
	const uint64_t sessions = descriptors > 2UL * DESCRIPTORS_OTHER
					  ? descriptors - DESCRIPTORS_OTHER
					  : descriptors / 2;

	if (sessions < SESSIONS_WANTED)
		log_warning("the limit of open files (%llu) leaves %llu connections to the policy "
			    "service",
			    (unsigned long long)descriptors, (unsigned long long)sessions);
	return sessions < POLICY_SESSIONS_MAX ? (unsigned)sessions : POLICY_SESSIONS_MAX;
}

static const struct policy_handler handler = { answer, closed };

int policy_service_open(struct daemon *daemon, struct explanation *reterr_why)
{
	const struct policy_server_limits limits = {
		.sessions = sessions_max(),
		.patience_s = POLICY_PATIENCE_S,
		.memory = POLICY_MEMORY_MAX,
	};
	struct policy_listener *fresh = NULL;
	int error = policy_new(daemon, &daemon->policy);

	if (!error)
		error = policy_server_new(daemon->loop, &limits, &handler, daemon,
					  &daemon->policy_server);
	if (error)
		return explain(reterr_why, error, "cannot set up the policy service: %s",
			       strerror(-error));
	error = policy_server_plan(daemon->policy_server, daemon->config->policy_listen, &fresh,
				   reterr_why);
	if (error)
		return error;
	error = policy_server_switch(daemon->policy_server, fresh);
	if (error)
		return explain(reterr_why, error, "cannot set up the policy service: %s",
			       strerror(-error));
	return 0;
}

void policy_service_close(struct daemon *daemon)
{
	daemon->policy_server = policy_server_free(daemon->policy_server);
	daemon->policy = policy_free(daemon->policy);
}
