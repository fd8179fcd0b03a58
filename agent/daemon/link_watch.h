/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hears from the kernel (rtnetlink) that network interfaces came, went or changed. Says only that:
 * the listener then looks for itself, so a lost or repeated message does no harm.
 */
#ifndef AGENT_LINK_WATCH_H
#define AGENT_LINK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct link_watch;

struct link_listener {
	bool (*concerns)(const char *name, uint32_t ifindex,
			 void *context); /* is this interface of interest? */
	void (*changed)(void *context);  /* at least one of interest; also every few seconds */
	void *context;
};

/* 0 or -errno. Calls back from loop only. */
int link_watch_new(struct event_base *loop, const struct link_listener *listener,
		   struct link_watch **ret_watch);

/* Accepts NULL. Returns NULL. */
struct link_watch *link_watch_free(struct link_watch *watch);

#endif
