/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes to requests, answers to bytes, for one connection.
 */
#include "policy_session.h"

#include <stdlib.h>
#include <string.h>

void policy_session_received(struct policy_session *session, const char *data, size_t size,
			     const struct policy_answerer *answerer,
			     struct policy_replies *ret_replies)
{
	const char *cursor = data, *end = data + size;
	enum policy_progress progress;

	if (!policy_session_owes(session))
		session->owes_since_ms = 0;
	ret_replies->size = 0;
	ret_replies->count = 0;
	while ((progress = policy_decode(&session->decoder, &cursor, end)) == POLICY_REQUEST) {
		char text[POLICY_ANSWER_SIZE];

		answerer->answer(answerer->context, &session->decoder.request, text);
		ret_replies->size +=
			policy_reply_encode(text, ret_replies->data + ret_replies->size);
		ret_replies->count++;
		session->owes_since_ms = 0;
	}
	if (progress == POLICY_BROKEN) {
		session->fault = session->decoder.fault;
		session->ended = true;
	}
}

static enum policy_next next_step(const struct policy_session *session)
{
	if (session->unsent)
		return POLICY_WRITE;
	return session->ended ? POLICY_CLOSE : POLICY_READ;
}

enum policy_next policy_session_sent(struct policy_session *session,
				     const struct policy_replies *replies, size_t taken)
{
	const size_t rest = replies->size - taken;

	if (!rest)
		return next_step(session);
	session->unsent = malloc(rest);
	if (!session->unsent) {
		session->fault = POLICY_FAULT_NO_MEMORY;
		return POLICY_CLOSE;
	}
	memcpy(session->unsent, replies->data + taken, rest);
	session->unsent_size = rest;
	session->unsent_sent = 0;
	return POLICY_WRITE;
}

const char *policy_session_unsent(const struct policy_session *session, size_t *ret_size)
{
	*ret_size = session->unsent_size - session->unsent_sent;
	return session->unsent + session->unsent_sent;
}

static void unsent_drop(struct policy_session *session)
{
	free(session->unsent);
	session->unsent = NULL;
	session->unsent_size = 0;
	session->unsent_sent = 0;
	session->owes_since_ms = 0;
}

enum policy_next policy_session_flushed(struct policy_session *session, size_t taken)
{
	session->unsent_sent += taken;
	if (session->unsent_sent == session->unsent_size)
		unsent_drop(session);
	return next_step(session);
}

void policy_session_ended(struct policy_session *session)
{
	session->ended = true;
	if (policy_decoder_inside(&session->decoder))
		session->fault = POLICY_FAULT_TRUNCATED;
}

void policy_session_overdue(struct policy_session *session)
{
	session->ended = true;
	session->fault = POLICY_FAULT_TOO_SLOW;
}

bool policy_session_owes(const struct policy_session *session)
{
	return session->unsent || policy_decoder_inside(&session->decoder);
}

uint64_t policy_session_patience(struct policy_session *session, uint64_t now_ms,
				 uint64_t patience_ms)
{
	uint64_t spent;

	if (!session->owes_since_ms)
		session->owes_since_ms = now_ms;
	spent = now_ms - session->owes_since_ms;
	return spent < patience_ms ? patience_ms - spent : 0;
}

size_t policy_session_memory(const struct policy_session *session)
{
	return session->decoder.kept_room + session->unsent_size;
}

void policy_session_done(struct policy_session *session)
{
	policy_decoder_done(&session->decoder);
	unsent_drop(session);
}
