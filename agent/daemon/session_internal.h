/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What session.c (the life of a connection) and session_room.c (who goes to make room) share.
 */
#ifndef AGENT_SESSION_INTERNAL_H
#define AGENT_SESSION_INTERNAL_H

#include <sys/queue.h>

#include "session.h"

struct bufferevent;
struct evconnlistener;
struct event;

enum session_phase {
	SESSION_READING,
	SESSION_PUSHING,  /* something was pushed; more may follow at any time */
	SESSION_PARTS,    /* the reply goes on */
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
	unsigned dead;        /* sessions that are marked so */
	unsigned accepted;    /* since the last rest */
	bool leaving;
	void (*released)(void *context);
};

/* At once. */
void session_destroy(struct session *session);

/* Or, while a handler runs, once it has returned. */
void session_close(struct session *session);

/* Closes the one that has waited longest, not newcomer (may be NULL); false if all are kept. */
bool session_room_make(struct session_server *server, const struct session *newcomer);

/* Before a handler queues so many bytes more for this session: others go that leave theirs. */
void session_memory_make(struct session *session, size_t size);

/*
 * Whether this session is one of those that leave too much untaken. Others are not closed here: who
 * pushes to many sessions, one after the other, must find the next one alive.
 */
bool session_hoards(const struct session *session, size_t size);

#endif
