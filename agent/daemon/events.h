/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events from the packet path: ring buffer -> log lines, the history, and those who follow.
 * Owns the ring buffer's reader and the history.
 */
#ifndef AGENT_EVENTS_H
#define AGENT_EVENTS_H

#include "daemon.h"
#include "history.h"

struct events;

int events_new(struct daemon *daemon, struct events **ret_events);

/* Accepts NULL. Returns NULL. */
struct events *events_free(struct events *events);

/* A refused message: as one from the packet path, to log, history and followers. name as in
 * history_line. */
void events_refused(struct events *events, const struct history_record *record, const char *name);

const struct history *events_history(const struct events *events);

/* One who wants to hear of each event from now on. Owned by the follower; to be unlinked before it
 * goes. */
struct events_follower {
	void (*notify)(const struct history_record *record, void *context);
	void *context;
	struct events_follower *next;
};

void events_follow(struct events *events, struct events_follower *follower);
void events_unfollow(struct events *events, struct events_follower *follower);

#endif
