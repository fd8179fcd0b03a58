/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy service's connections: accepts, reads, writes, closes; what the bytes mean is
 * policy_session's matter, what is answered the caller's.
 *
 * A connection may idle for ever, as smtpd's do between messages. One that owes the rest of a
 * request, or does not take its replies, has POLICY_PATIENCE_S. None is read twice in a turn of the
 * loop.
 */
#ifndef AGENT_POLICY_SERVER_H
#define AGENT_POLICY_SERVER_H

#include "decide.h"
#include "explanation.h"
#include "histogram.h"
#include "mono.h"
#include "policy_protocol.h"

struct event_base;
struct policy_asker; /* policy.h */
struct policy_listener;
struct policy_server;

/* As long as Postfix waits by default (smtpd_policy_service_timeout). */
#define POLICY_PATIENCE_S 100

/* The most connections there may be; fewer where the limit of descriptors is lower. */
#define POLICY_SESSIONS_MAX 16384

/* What requests that are not complete and replies that are not taken may need in all. */
#define POLICY_MEMORY_MAX (64UL * 1024 * 1024)

struct policy_server_stats {
	uint64_t requests[POLICY_STATES];
	uint64_t errors[POLICY_FAULTS];
	uint64_t sessions; /* connections there are */
	struct histogram durations;
};

/* What the connections are for. */
struct policy_handler {
	/* Never fails; text is the answer to request, which is borrowed for the call. */
	void (*answer)(void *context, const struct policy_request *request,
		       const struct policy_asker *asker, struct mono_ms now,
		       char text[static POLICY_ANSWER_SIZE]);
	/* A connection that asked is gone. */
	void (*closed)(void *context, uint64_t connection);
};

struct policy_server_limits {
	unsigned sessions;
	unsigned patience_s;
	size_t memory;
};

/* Without listeners. handler stays valid as long as the server. 0 or -ENOMEM. */
int policy_server_new(struct event_base *loop, const struct policy_server_limits *limits,
		      const struct policy_handler *handler, void *context,
		      struct policy_server **ret_server);

/* Closes everything. Accepts NULL. Returns NULL. */
struct policy_server *policy_server_free(struct policy_server *server);

/*
 * Makes the sockets that policy_listen = list asks for and the server does not have. They accept
 * nobody until policy_server_switch. 0 or -errno; then nothing is left to undo.
 */
int policy_server_plan(struct policy_server *server, const char *list,
		       struct policy_listener **ret_fresh, struct explanation *reterr_why);

/*
 * Puts what was planned last in force: sockets that are no longer listed go with their connections,
 * those of the others go on. Takes fresh. 0 or -ENOMEM, a socket that cannot be served goes.
 */
int policy_server_switch(struct policy_server *server, struct policy_listener *fresh);

/* Gives up what was planned last; what it would have replaced goes on. Accepts NULL for fresh. */
void policy_server_discard(struct policy_server *server, struct policy_listener *fresh);

const struct policy_server_stats *policy_server_stats(const struct policy_server *server);

#endif
