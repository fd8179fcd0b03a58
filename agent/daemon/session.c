/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded connections on libevent's buffered sockets.
 */
#include "session.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

/* When there are no descriptors left, the next connection is looked at this much later. */
#define ACCEPT_PAUSE_SECONDS 1

/* A little of what comes in at once: the handler sees a request grow and can refuse it early. */
#define READ_AT_MOST 65536

enum session_phase {
	SESSION_READING,
	SESSION_PUSHING,  /* something was pushed; more may follow at any time */
	SESSION_REPLYING, /* closes once all is sent */
};

struct session {
	struct session_server *server;
	TAILQ_ENTRY(session) entry;
	struct bufferevent *stream;
	struct event *deadline;
	enum session_phase phase;
	bool dead; /* to be closed once its handler has returned */
	bool kept; /* not to be closed to make room */
	void *data;
};

struct session_server {
	struct event_base *loop;
	struct evconnlistener *listener;
	struct event *pause;
	struct session_limits limits;
	const struct session_handler *handler;
	void *context;
	TAILQ_HEAD(, session) sessions; /* by the time since which each waits for its peer */
	unsigned count;
	struct session *busy; /* its handler is running */
	bool leaving;
	void (*released)(void *context);
};

/* Frees a server that was asked to go, once nobody uses it. */
static void server_release(struct session_server *server)
{
	if (!server->leaving || server->busy || !TAILQ_EMPTY(&server->sessions))
		return;
	if (server->released)
		server->released(server->context);
	free(server);
}

/*
 * Closes at once. libevent does that, and frees the rest, from its loop: for what is served last
 * not before all else is done. Without a descriptor the stream is an ordinary one again.
 */
static void stream_free(struct bufferevent *stream)
{
	const int fd = bufferevent_getfd(stream);

	(void)bufferevent_setfd(stream, -1);
	(void)close(fd);
	bufferevent_free(stream);
}

static void session_destroy(struct session *session)
{
	struct session_server *server = session->server;

	TAILQ_REMOVE(&server->sessions, session, entry);
	server->count--;
	if (server->handler->closed)
		server->handler->closed(session, server->context);
	event_free(session->deadline);
	stream_free(session->stream);
	free(session);
}

static void session_close(struct session *session)
{
	struct session_server *server = session->server;

	if (server->busy) {
		session->dead = true;
		return;
	}
	session_destroy(session);
	server_release(server);
}

/* Closes what was marked while a handler ran. */
static void sessions_bury(struct session_server *server)
{
	struct session *session = TAILQ_FIRST(&server->sessions), *next;

	for (; session; session = next) {
		next = TAILQ_NEXT(session, entry);
		if (session->dead)
			session_destroy(session);
	}
	server_release(server);
}

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

static bool make_room(struct session_server *server, const struct session *newcomer)
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

/* Before a handler queues so many bytes more for this session. */
static void make_memory(struct session *session, size_t size)
{
	struct session_server *server = session->server;
	const size_t most = server->limits.pending_sum;
	struct session *other;

	while (most && untaken_by_all(server) + size > most &&
	       (other = longest_waiting(server, session, true)) != NULL)
		session_close(other);
}

static void readable(struct bufferevent *stream, void *context)
{
	struct session *session = context;
	struct session_server *server = session->server;
	struct evbuffer *input = bufferevent_get_input(stream);

	if (session->phase != SESSION_READING) {
		/* One request a connection: the rest is not looked at. */
		(void)evbuffer_drain(input, evbuffer_get_length(input));
		return;
	}
	server->busy = session;
	server->handler->received(session, input, server->context);
	server->busy = NULL;
	sessions_bury(server);
}

static void written(struct bufferevent *stream, void *context)
{
	struct session *session = context;

	(void)stream;
	if (session->phase == SESSION_REPLYING)
		session_close(session);
}

static void changed(struct bufferevent *stream, short what, void *context)
{
	struct session *session = context;

	/* A peer that has said all it wanted still gets its reply. */
	if ((what & BEV_EVENT_EOF) && session->phase == SESSION_REPLYING &&
	    evbuffer_get_length(bufferevent_get_output(stream)))
		return;
	session_close(session);
}

static void overdue(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	session_close(context);
}

static void refuse(const struct session_server *server, int fd)
{
	const char *text = server->handler->refusal;

	if (text)
		(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct session *session_new(struct session_server *server, int fd)
{
	const struct timeval seconds = { .tv_sec = server->limits.seconds };
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->server = server;
	session->deadline = evtimer_new(server->loop, overdue, session);
	session->stream = bufferevent_socket_new(server->loop, fd, 0);
	if (!session->deadline || !session->stream ||
	    evtimer_add(session->deadline, &seconds) < 0) {
		if (session->deadline)
			event_free(session->deadline);
		if (session->stream)
			bufferevent_free(session->stream);
		(void)close(fd);
		free(session);
		return NULL;
	}
	bufferevent_setcb(session->stream, readable, written, changed, session);
	(void)bufferevent_set_max_single_read(session->stream, READ_AT_MOST);
	TAILQ_INSERT_TAIL(&server->sessions, session, entry);
	server->count++;
	return session;
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
		     int peer_size, void *context)
{
	struct session_server *server = context;
	struct session *session;

	(void)listener;
	(void)peer;
	(void)peer_size;
	if (server->count >= server->limits.connections && !make_room(server, NULL)) {
		refuse(server, fd);
		(void)close(fd);
		return;
	}
	session = session_new(server, fd);
	if (!session)
		return;
	if (server->handler->opened && !server->handler->opened(session, fd, server->context)) {
		refuse(server, fd);
		session_destroy(session);
		return;
	}
	(void)bufferevent_enable(session->stream, EV_READ | EV_WRITE);
}

/* Out of descriptors: asking again at once would only keep a CPU busy. */
static void accept_failed(struct evconnlistener *listener, void *context)
{
	const struct timeval pause = { .tv_sec = ACCEPT_PAUSE_SECONDS };
	struct session_server *server = context;

	(void)evconnlistener_disable(listener);
	(void)evtimer_add(server->pause, &pause);
}

static void pause_over(evutil_socket_t fd, short what, void *context)
{
	struct session_server *server = context;

	(void)fd;
	(void)what;
	(void)evconnlistener_enable(server->listener);
}

int session_server_new(struct event_base *loop, int listening, const struct session_limits *limits,
		       const struct session_handler *handler, void *context,
		       struct session_server **ret_server)
{
	struct session_server *server = calloc(1, sizeof(*server));

	if (server) {
		*server = (struct session_server){
			.loop = loop,
			.limits = *limits,
			.handler = handler,
			.context = context,
			.listener = evconnlistener_new(
				loop, accepted, server,
				LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, listening),
			.pause = evtimer_new(loop, pause_over, server),
		};
	}
	if (server && server->listener && server->pause) {
		TAILQ_INIT(&server->sessions);
		evconnlistener_set_error_cb(server->listener, accept_failed);
		*ret_server = server;
		return 0;
	}
	if (server && server->listener)
		evconnlistener_free(server->listener);
	else
		(void)close(listening);
	if (server && server->pause)
		event_free(server->pause);
	free(server);
	return -ENOMEM;
}

void session_server_free(struct session_server *server, void (*released)(void *context))
{
	struct session *session, *next;

	if (!server)
		return;
	evconnlistener_free(server->listener);
	event_free(server->pause);
	server->leaving = true;
	server->released = released;
	for (session = TAILQ_FIRST(&server->sessions); session; session = next) {
		next = TAILQ_NEXT(session, entry);
		if (session != server->busy)
			session_destroy(session);
	}
	server_release(server);
}

void session_serve_last(struct session *session)
{
	(void)bufferevent_priority_set(session->stream, SESSION_PRIORITY_LAST);
}

void session_keep(struct session *session)
{
	session->kept = true;
}

bool session_make_room(struct session *session)
{
	return make_room(session->server, session);
}

unsigned session_count(const struct session *session)
{
	return session->server->count;
}

void session_set_data(struct session *session, void *data)
{
	session->data = data;
}

void *session_data(const struct session *session)
{
	return session->data;
}

/* From now on it is the peer's turn to take what is sent. */
static void session_send(struct session *session, enum session_phase phase, const char *text,
			 size_t size)
{
	const struct timeval seconds = { .tv_sec = session->server->limits.seconds };

	session->phase = phase;
	(void)evtimer_del(session->deadline);
	(void)bufferevent_set_timeouts(session->stream, NULL, &seconds);
	/* Nothing to send would never be reported as sent. */
	if (!size || bufferevent_write(session->stream, text, size) < 0)
		session_close(session);
}

void session_reply(struct session *session, const char *text, size_t size)
{
	make_memory(session, size);
	session_send(session, SESSION_REPLYING, text, size);
}

/*
 * Whether this session is one of those that leave too much untaken. Others are not closed here: who
 * pushes to many sessions, one after the other, must find the next one alive.
 */
static bool hoards(const struct session *session, size_t size)
{
	const struct session_limits *limits = &session->server->limits;
	const size_t own = untaken(session);

	if (own + size > limits->pending_max)
		return true;
	return own && limits->pending_sum &&
	       untaken_by_all(session->server) + size > limits->pending_sum;
}

void session_push(struct session *session, const char *text, size_t size)
{
	if (session->dead)
		return;
	if (hoards(session, size)) {
		session_close(session);
		return;
	}
	session_send(session, SESSION_PUSHING, text, size);
}
