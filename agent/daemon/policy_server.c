/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of the policy service on the event loop. libevent's buffered sockets would cost
 * several allocations and two copies a request; here all connections share one buffer each way and
 * an idle one has none.
 */
#include "policy_server.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy.h"
#include "policy_complaint.h"
#include "policy_listener.h"
#include "policy_session.h"

/* Connections accepted in one turn of the loop. */
#define ACCEPT_AT_ONCE 32

/* When there are no descriptors left, the next connection is looked at this much later. */
#define ACCEPT_PAUSE_SECONDS 1

struct connection {
	struct event event;
	LIST_ENTRY(connection) entry;
	struct policy_server *server;
	const struct policy_listener *listener;
	uint64_t number; /* never that of another one */
	struct policy_session session;
	struct policy_peer peer;
	size_t memory; /* of session, as counted in server->memory */
	bool timed;    /* the event has a timeout */
};

struct policy_server {
	struct event_base *loop;
	struct policy_server_limits limits;
	const struct policy_handler *handler;
	void *context;
	struct policy_listener *listeners;
	LIST_HEAD(connection_list, connection) connections;
	struct event *pause;
	struct policy_server_stats stats;
	size_t memory;
	uint64_t connections_made;
	struct policy_complaints complaints;
	/* Of the connection that is served, for as long. */
	struct mono_ms now;
	struct policy_asker asker;
	char input[POLICY_READ_SIZE];
	struct policy_replies replies;
};

static void complain(struct policy_server *server, int fd, enum policy_fault fault)
{
	server->stats.errors[fault]++;
	policy_complain(&server->complaints, fd, policy_fault_text(fault));
}

/* --- one connection --- */

static void connection_close(struct connection *connection)
{
	struct policy_server *server = connection->server;
	const int fd = event_get_fd(&connection->event);

	if (connection->session.fault)
		complain(server, fd, connection->session.fault);
	(void)event_del(&connection->event);
	(void)close(fd);
	policy_session_done(&connection->session);
	if (server->handler->closed)
		server->handler->closed(server->context, connection->number);
	server->memory -= connection->memory;
	server->stats.sessions--;
	LIST_REMOVE(connection, entry);
	free(connection);
}

static void serve(evutil_socket_t fd, short what, void *context);

/* Waits for the peer to read or to write; for ever if it owes nothing. */
static void connection_wait(struct connection *connection, short what)
{
	const bool timed = policy_session_owes(&connection->session);
	const uint64_t left_ms =
		timed ? policy_session_patience(&connection->session, mono_now().ms,
						connection->server->limits.patience_s * 1000ULL)
		      : 0;
	const struct timeval patience = { (time_t)(left_ms / 1000),
					  (suseconds_t)(left_ms % 1000 * 1000) };
	struct event *event = &connection->event;
	const int fd = event_get_fd(event);

	if (!timed && !connection->timed && event_get_events(event) & what)
		return;
	(void)event_del(event);
	(void)event_assign(event, connection->server->loop, fd, (short)(what | EV_PERSIST), serve,
			   connection);
	connection->timed = timed;
	if (event_add(event, timed ? &patience : NULL) < 0) {
		connection->session.fault = POLICY_FAULT_NO_MEMORY;
		connection_close(connection);
	}
}

static void connection_go_on(struct connection *connection, enum policy_next next)
{
	struct policy_server *server = connection->server;
	const size_t memory = policy_session_memory(&connection->session);

	server->memory += memory - connection->memory;
	connection->memory = memory;
	if (memory && server->memory > server->limits.memory) {
		connection->session.fault = POLICY_FAULT_NO_MEMORY;
		next = POLICY_CLOSE;
	}
	if (next == POLICY_CLOSE)
		connection_close(connection);
	else
		connection_wait(connection, next == POLICY_READ ? EV_READ : EV_WRITE);
}

static void answer_request(void *context, const struct policy_request *request,
			   char text[static POLICY_ANSWER_SIZE])
{
	struct policy_server *server = context;

	server->stats.requests[request->state]++;
	server->handler->answer(server->context, request, &server->asker, server->now, text);
}

/* Bytes taken, or 0 when the peer takes none now; -1: it is gone. */
static ssize_t send_some(int fd, const char *data, size_t size)
{
	const ssize_t taken = size ? send(fd, data, size, MSG_NOSIGNAL) : 0;

	return taken < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : taken;
}

static void take_bytes(struct connection *connection, int fd, size_t size)
{
	struct policy_server *server = connection->server;
	struct policy_replies *replies = &server->replies;
	const struct policy_answerer answerer = { answer_request, server };
	const struct mono_ns start = mono_precise();
	ssize_t taken;

	server->now.ms = start.ns / 1000000;
	server->asker = (struct policy_asker){ connection->number, fd, &connection->peer };
	policy_session_received(&connection->session, server->input, size, &answerer, replies);
	taken = send_some(fd, replies->data, replies->size);
	if (replies->count)
		histogram_add(&server->stats.durations, mono_precise().ns - start.ns,
			      replies->count);
	if (taken < 0)
		connection_close(connection);
	else
		connection_go_on(connection,
				 policy_session_sent(&connection->session, replies, (size_t)taken));
}

static void receive(struct connection *connection, int fd)
{
	const ssize_t size = recv(fd, connection->server->input, POLICY_READ_SIZE, 0);

	if (size > 0) {
		take_bytes(connection, fd, (size_t)size);
	} else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
		policy_session_ended(&connection->session);
		connection_close(connection);
	}
}

static void flush(struct connection *connection, int fd)
{
	size_t size;
	const char *data = policy_session_unsent(&connection->session, &size);
	const ssize_t taken = send_some(fd, data, size);

	if (taken < 0)
		connection_close(connection);
	else
		connection_go_on(connection,
				 policy_session_flushed(&connection->session, (size_t)taken));
}

static void serve(evutil_socket_t fd, short what, void *context)
{
	struct connection *connection = context;

	if (what & EV_WRITE) {
		flush(connection, fd);
	} else if (what & EV_READ) {
		receive(connection, fd);
	} else {
		policy_session_overdue(&connection->session);
		connection_close(connection);
	}
}

/* --- new connections --- */

static void connection_new(struct policy_server *server, const struct policy_listener *listener,
			   int fd)
{
	struct connection *connection;
	const int on = 1;

	if (server->stats.sessions >= server->limits.sessions) {
		complain(server, fd, POLICY_FAULT_TOO_MANY_SESSIONS);
		(void)close(fd);
		return;
	}
	connection = calloc(1, sizeof(*connection));
	if (!connection) {
		complain(server, fd, POLICY_FAULT_NO_MEMORY);
		(void)close(fd);
		return;
	}
	connection->server = server;
	connection->listener = listener;
	connection->number = ++server->connections_made;
	if (listener->address.ss_family != AF_UNIX) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		/* A peer whose host is gone says nothing; idle ones are not asked otherwise. */
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	LIST_INSERT_HEAD(&server->connections, connection, entry);
	server->stats.sessions++;
	(void)event_assign(&connection->event, server->loop, fd, EV_READ | EV_PERSIST, serve,
			   connection);
	if (event_add(&connection->event, NULL) < 0) {
		connection->session.fault = POLICY_FAULT_NO_MEMORY;
		connection_close(connection);
	}
}

static void listeners_rest(struct policy_server *server)
{
	const struct timeval pause = { .tv_sec = ACCEPT_PAUSE_SECONDS };

	for (struct policy_listener *one = server->listeners; one; one = one->next)
		(void)event_del(one->event);
	(void)evtimer_add(server->pause, &pause);
}

static void pause_over(evutil_socket_t fd, short what, void *context)
{
	const struct policy_server *server = context;

	(void)fd, (void)what;
	for (struct policy_listener *one = server->listeners; one; one = one->next)
		(void)event_add(one->event, NULL);
}

static void accept_some(evutil_socket_t listening, short what, void *context)
{
	struct policy_server *server = context;
	const struct policy_listener *listener = server->listeners;

	(void)what;
	while (listener->fd != listening)
		listener = listener->next;
	for (unsigned i = 0; i < ACCEPT_AT_ONCE; i++) {
		const int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			connection_new(server, listener, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			/* Asking again at once would only keep a CPU busy. */
			listeners_rest(server);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

/* --- life --- */

int policy_server_new(struct event_base *loop, const struct policy_server_limits *limits,
		      const struct policy_handler *handler, void *context,
		      struct policy_server **ret_server)
{
	struct policy_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->loop = loop;
	server->limits = *limits;
	server->handler = handler;
	server->context = context;
	LIST_INIT(&server->connections);
	server->pause = evtimer_new(loop, pause_over, server);
	if (!server->pause) {
		free(server);
		return -ENOMEM;
	}
	*ret_server = server;
	return 0;
}

/* With its connections: Postfix asks again elsewhere, or goes on without an answer. */
static void listener_close(struct policy_server *server, struct policy_listener *listener)
{
	struct connection *connection = LIST_FIRST(&server->connections), *next;

	for (; connection; connection = next) {
		next = LIST_NEXT(connection, entry);
		if (connection->listener == listener)
			connection_close(connection);
	}
	if (listener->event)
		event_free(listener->event);
	policy_listener_free(listener);
}

struct policy_server *policy_server_free(struct policy_server *server)
{
	struct policy_listener *next;

	if (!server)
		return NULL;
	for (struct policy_listener *one = server->listeners; one; one = next) {
		next = one->next;
		listener_close(server, one);
	}
	event_free(server->pause);
	free(server);
	return NULL;
}

int policy_server_plan(struct policy_server *server, const char *list,
		       struct policy_listener **ret_fresh, struct explanation *reterr_why)
{
	return policy_listeners_plan(list, server->listeners, ret_fresh, reterr_why);
}

static int listener_open(struct policy_server *server, struct policy_listener *listener)
{
	listener->event =
		event_new(server->loop, listener->fd, EV_READ | EV_PERSIST, accept_some, server);
	if (!listener->event || event_add(listener->event, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int policy_server_switch(struct policy_server *server, struct policy_listener *fresh)
{
	struct policy_listener **link = &server->listeners;
	int error = 0;

	while (*link) {
		struct policy_listener *one = *link;

		if (one->wanted) {
			link = &one->next;
			continue;
		}
		*link = one->next;
		listener_close(server, one);
	}
	while (fresh) {
		struct policy_listener *one = fresh;

		fresh = one->next;
		if (listener_open(server, one)) {
			listener_close(server, one);
			error = -ENOMEM;
			continue;
		}
		one->next = server->listeners;
		server->listeners = one;
	}
	return error;
}

void policy_server_discard(struct policy_server *server, struct policy_listener *fresh)
{
	policy_listeners_discard(fresh, server->listeners);
}

const struct policy_server_stats *policy_server_stats(const struct policy_server *server)
{
	return &server->stats;
}
