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
#include <sys/socket.h>
#include <unistd.h>

#include "session_internal.h"

/* In one turn of the loop: whoever has asked waits for no more newcomers than these. */
#define ACCEPT_AT_ONCE 32

/* In one turn of the loop: libevent would go on for as long as others come. */
#define ACCEPT_AT_ONCE 32

/* When there are no descriptors left, the next connection is looked at this much later. */
#define ACCEPT_PAUSE_SECONDS 1

/* A little of what comes in at once: the handler sees a request grow and can refuse it early. */
#define READ_AT_MOST 65536

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

void session_destroy(struct session *session)
{
	struct session_server *server = session->server;

	TAILQ_REMOVE(&server->sessions, session, entry);
	server->count--;
	server->dead -= session->dead;
	if (server->handler->closed)
		server->handler->closed(session, server->context);
	event_free(session->deadline);
	stream_free(session->stream);
	free(session);
}

void session_close(struct session *session)
{
	struct session_server *server = session->server;

	if (server->busy) {
		server->dead += !session->dead;
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

	for (; server->dead && session; session = next) {
		next = TAILQ_NEXT(session, entry);
		if (session->dead)
			session_destroy(session);
	}
	server_release(server);
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
	struct session_server *server = session->server;

	(void)stream;
	if (session->phase == SESSION_REPLYING) {
		session_close(session);
		return;
	}
	if (session->phase == SESSION_READING || !server->handler->taken)
		return;
	server->busy = session;
	server->handler->taken(session, server->context);
	server->busy = NULL;
	sessions_bury(server);
}

static void changed(struct bufferevent *stream, short what, void *context)
{
	struct session *session = context;

	/* A peer that has said all it wanted still gets its reply. */
	if ((what & BEV_EVENT_EOF) &&
	    (session->phase == SESSION_PARTS || session->phase == SESSION_REPLYING) &&
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

/* Others have their turn before the next, even if the pause takes no time. */
static void accept_rest(struct session_server *server, const struct timeval *pause)
{
	server->accepted = 0;
	(void)evconnlistener_disable(server->listener);
	(void)evtimer_add(server->pause, pause);
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
		     int peer_size, void *context)
{
	static const struct timeval none;
	struct session_server *server = context;
	struct session *session;

	(void)listener;
	(void)peer;
	(void)peer_size;
	if (++server->accepted == ACCEPT_AT_ONCE)
		accept_rest(server, &none);
	if (server->count >= server->limits.connections && !session_room_make(server, NULL)) {
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

	(void)listener;
	accept_rest(server, &pause);
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
	return session_room_make(session->server, session);
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
	const struct session_limits *limits = &session->server->limits;
	const struct timeval seconds = { .tv_sec = limits->seconds };
	const struct timeval reply_seconds = { .tv_sec = limits->reply_seconds };

	session->phase = phase;
	if (phase == SESSION_REPLYING && limits->reply_seconds)
		(void)evtimer_add(session->deadline, &reply_seconds);
	else
		(void)evtimer_del(session->deadline);
	(void)bufferevent_set_timeouts(session->stream, NULL, &seconds);
	/* Nothing to send would never be reported as sent. */
	if (!size || bufferevent_write(session->stream, text, size) < 0)
		session_close(session);
}

void session_reply(struct session *session, const char *text, size_t size)
{
	session_memory_make(session, size);
	session_send(session, SESSION_REPLYING, text, size);
}

void session_part(struct session *session, const char *text, size_t size)
{
	session_memory_make(session, size);
	session_send(session, SESSION_PARTS, text, size);
}

void session_push(struct session *session, const char *text, size_t size)
{
	if (session->dead)
		return;
	if (session_hoards(session, size)) {
		session_close(session);
		return;
	}
	session_send(session, SESSION_PUSHING, text, size);
}
