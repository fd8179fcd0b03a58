/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the policy service listens: the sockets of policy_listen.
 */
#ifndef AGENT_POLICY_LISTENER_H
#define AGENT_POLICY_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "explanation.h"
#include "unix_listener.h"

struct event;

struct policy_listener {
	struct policy_listener *next;
	struct sockaddr_storage address;
	socklen_t address_size;
	struct unix_node node; /* of a UNIX socket */
	int fd;
	bool wanted;         /* by the list that was last planned */
	struct event *event; /* the server's; NULL until it accepts */
};

/*
 * Plans the sockets of list ("inet:HOST:PORT" and "unix:/PATH", by commas and blanks): marks those
 * of current that go on, makes the others and gives them as *ret_fresh. On failure nothing is left
 * but marks. A UNIX socket whose name is gone is made anew.
 */
int policy_listeners_plan(const char *list, struct policy_listener *current,
			  struct policy_listener **ret_fresh, struct explanation *reterr_why);

/* Closes one, and removes its name where that is allowed. Its event must be gone. */
void policy_listener_free(struct policy_listener *listener);

#endif
