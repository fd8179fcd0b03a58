/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of a stream socket, bounded in number, size and time, none of which can delay
 * another: what the control and the metrics server have in common. Knows bytes, not what they mean.
 *
 * A connection brings one request. It ends when its reply is sent, when the peer goes, or when its
 * time is over; or when there are too many and it has waited longest for its peer. So who asks, and
 * takes the answer, is served however many others only hold the line.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>

struct evbuffer;
struct event_base;
struct session;
struct session_server;

struct session_limits {
	unsigned connections;
	unsigned seconds; /* for the request to arrive; and for each further part of the reply to be
			     taken */
	unsigned reply_seconds; /* for all of a reply to be taken; 0: as long as the peer goes on */
	size_t pending_max; /* bytes that a peer may leave untaken of what session_push queued */
	size_t pending_sum; /* bytes that all peers together may; beyond it those go who take
			       nothing. 0: not bounded */
};

struct session_handler {
	/* Before anything is read; false refuses the connection. NULL: all are welcome. */
	bool (*opened)(struct session *session, int fd, void *context);
	/* input grew. To be answered by session_reply or session_push, or left until there is more.
	 */
	void (*received)(struct session *session, struct evbuffer *input, void *context);
	/* The peer has taken all of what session_part or session_push sent. NULL: nobody cares. */
	void (*taken)(struct session *session, void *context);
	/* The session is about to go. NULL: nobody cares. */
	void (*closed)(struct session *session, void *context);
	const char *refusal; /* sent to a connection that is one too many or not welcome */
};

/*
 * Takes listening in any case. handler stays valid as long as the server; context is for its
 * functions. 0 or -ENOMEM.
 */
int session_server_new(struct event_base *loop, int listening, const struct session_limits *limits,
		       const struct session_handler *handler, void *context,
		       struct session_server **ret_server);

/*
 * Closes the listening socket and all connections. From inside a handler the connection it serves
 * is kept until its reply is sent; released(context) is called when nothing uses context any more,
 * in either case. Accepts NULL.
 */
void session_server_free(struct session_server *server, void (*released)(void *context));

/*
 * What the loop does first: the middle one is every event's unless somebody says otherwise. A loop
 * without priorities (event_base_priority_init) treats all alike.
 */
enum { SESSION_PRIORITY_LAST = 2, SESSION_PRIORITIES };

/* This one is served when nobody else waits. */
void session_serve_last(struct session *session);

/* This one never goes to make room. */
void session_keep(struct session *session);

/* Closes, for this one, another that has waited longest for its peer; false if all others are kept.
 */
bool session_make_room(struct session *session);

/* How many connections there are. */
unsigned session_count(const struct session *session);

/* What the handler wants to know about a session; NULL at first. */
void session_set_data(struct session *session, void *data);
void *session_data(const struct session *session);

/* Sends, then closes. */
void session_reply(struct session *session, const char *text, size_t size);

/* Sends a part of a reply; session_reply sends the last one. */
void session_part(struct session *session, const char *text, size_t size);

/* Sends and goes on; from now on the connection may last. A peer that takes too little is closed.
 */
void session_push(struct session *session, const char *text, size_t size);

#endif
