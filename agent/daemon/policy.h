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

/* The user of the process at the other end. All zero: not looked for yet. */
struct policy_peer {
	bool looked;
	bool known;
	uint32_t user;
};

/* Who asks: one connection to the policy service. */
struct policy_asker {
	uint64_t connection; /* never that of another one while the agent runs; 0 is none */
	int fd;              /* its socket: whose process asks is found out by it; -1: not known */
	struct policy_peer *peer; /* found out before, while it is there; NULL: never kept */
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

/* What a reload prepares and then puts in force: the exceptions as the message path looks at them.
 */
struct client_match;

/* From now on by these exceptions, those of the configuration that comes into force with them.
 * Takes match; gives back the one that was in force, to be freed. */
struct client_match *policy_switch(struct policy *policy, struct client_match *match);

/* What a client has sent to a service, and what its next message would get. */
struct policy_view {
	uint32_t messages; /* in the time unit */
	uint32_t recipients;
	uint32_t message_limit; /* 0: none */
	uint32_t recipient_limit;
	struct policy_decision next;
};

/* Counts nothing. The client's name is not known: patterns of names are passed over. */
void policy_look(struct policy *policy, const struct sa_address *client,
		 const struct config_service *service, struct mono_ms now,
		 struct policy_view *ret_view);

/* What /metrics shows. */
struct policy_stats {
	uint64_t decisions[POLICY_ACTIONS][POLICY_REASONS];
	uint64_t queue_free_bytes; /* 0 where the queue is unreadable */
	uint64_t queue_required_bytes;
	bool queue_unreadable;
};

void policy_stats_read(struct policy *policy, struct mono_ms now, struct policy_stats *ret_stats);

#endif
