/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection of the policy service as a machine of bytes: what came in, what goes out, whether
 * to read, to write or to close. Knows no descriptor and no clock.
 *
 * While replies are not taken nothing is read: what a peer can make the agent hold is bounded by
 * one read's worth of replies and one decoder.
 */
#ifndef AGENT_POLICY_SESSION_H
#define AGENT_POLICY_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide.h"
#include "policy_protocol.h"

/* Bytes that are taken at once; the requests in so few delay nobody else. */
#define POLICY_READ_SIZE 4096

/* Room for the replies to as many requests as fit into one read, one that had begun included. */
#define POLICY_REPLIES_SIZE ((POLICY_READ_SIZE / POLICY_REQUEST_MIN + 1) * POLICY_REPLY_MAX)

struct policy_answerer {
	/* request is borrowed for the call; text is what "action=" gets. Never fails. */
	void (*answer)(void *context, const struct policy_request *request,
		       char text[static POLICY_ANSWER_SIZE]);
	void *context;
};

/* Replies that are to be sent in one write. */
struct policy_replies {
	char data[POLICY_REPLIES_SIZE];
	size_t size;
	unsigned count;
};

/* All zero: a new connection. */
struct policy_session {
	struct policy_decoder decoder;
	enum policy_fault fault;
	bool ended;   /* nothing more is read: by the peer's will, or for a fault */
	char *unsent; /* replies that the peer has not taken, or NULL */
	size_t unsent_size;
	size_t unsent_sent;     /* of them */
	uint64_t owes_since_ms; /* when that was first asked; 0: not yet */
};

enum policy_next {
	POLICY_READ,
	POLICY_WRITE, /* policy_session_unsent, once the peer takes it */
	POLICY_CLOSE,
};

/*
 * Takes up to POLICY_READ_SIZE bytes that came in and answers each complete request. To be sent
 * then: *ret_replies; and policy_session_sent called with how much of it was taken.
 */
void policy_session_received(struct policy_session *session, const char *data, size_t size,
			     const struct policy_answerer *answerer,
			     struct policy_replies *ret_replies);

/* The peer took the first taken bytes of what it was sent; the rest is kept. */
enum policy_next policy_session_sent(struct policy_session *session,
				     const struct policy_replies *replies, size_t taken);

/* What is to be sent on POLICY_WRITE. */
const char *policy_session_unsent(const struct policy_session *session, size_t *ret_size);

/* The peer took so many bytes of it. */
enum policy_next policy_session_flushed(struct policy_session *session, size_t taken);

/* The peer sends nothing more. */
void policy_session_ended(struct policy_session *session);

/* The peer was given time and did nothing with it. */
void policy_session_overdue(struct policy_session *session);

/* Whether the peer owes something: the rest of a request, or taking its replies. */
bool policy_session_owes(const struct policy_session *session);

/*
 * What is left at now_ms of patience_ms for what the peer owes. It runs from when the peer began to
 * owe that, so that a byte now and then gains it nothing.
 */
uint64_t policy_session_patience(struct policy_session *session, uint64_t now_ms,
				 uint64_t patience_ms);

/* Bytes of memory beside the struct itself. */
size_t policy_session_memory(const struct policy_session *session);

void policy_session_done(struct policy_session *session);

#endif
