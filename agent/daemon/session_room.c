/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who goes when there are too many connections, or too much that nobody takes.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "session_internal.h"

static size_t untaken(const struct session *session)
{
	return evbuffer_get_length(bufferevent_get_output(session->stream));
}

/* The one that has waited longest, of those that hold bytes or of all; never one, if not NULL. */
static struct session *longest_waiting(struct session_server *server, const struct session *one,
				       bool holding)
{
	struct session *session;

	TAILQ_FOREACH(session, &server->sessions, entry)
	if (session != one && session != server->busy && !session->kept && !session->dead &&
	    (!holding || untaken(session)))
		return session;
	return NULL;
}

bool session_room_make(struct session_server *server, const struct session *newcomer)
{
	struct session *session = longest_waiting(server, newcomer, false);

	if (!session)
		return false;
	session_destroy(session);
	return true;
}

static size_t untaken_by_all(const struct session_server *server)
{
	const struct session *session;
	size_t sum = 0;

	TAILQ_FOREACH(session, &server->sessions, entry)
	if (!session->dead)
		sum += untaken(session);
	return sum;
}

void session_memory_make(struct session *session, size_t size)
{
	struct session_server *server = session->server;
	const size_t most = server->limits.pending_sum;
	struct session *other;

	while (most && untaken_by_all(server) + size > most &&
	       (other = longest_waiting(server, session, true)) != NULL)
		session_close(other);
}

bool session_hoards(const struct session *session, size_t size)
{
	const struct session_limits *limits = &session->server->limits;
	const size_t own = untaken(session);

	if (own + size > limits->pending_max)
		return true;
	return own && limits->pending_sum &&
	       untaken_by_all(session->server) + size > limits->pending_sum;
}
