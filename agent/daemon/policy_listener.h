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

/*
 * How long the name service may take for all names of a list. The first is less than the wiring's
 * timeout=3s: the loop stands still meanwhile, and whoever asks waits. The second leaves time for
 * another server where the first is dead, and is well within the watchdog's.
 */
#define POLICY_LOOKUP_MS       2000
#define POLICY_FIRST_LOOKUP_MS 10000

struct policy_listener {
	struct policy_listener *next;
	struct sockaddr_storage address;
	socklen_t address_size;
	struct unix_node node; /* of a UNIX socket */
	int fd;
	bool wanted;         /* by the list that was last planned */
	bool paused;         /* it does not listen: it has made room for one that was planned */
	struct event *event; /* the server's; NULL until it accepts */
};

/*
 * Plans the sockets of list ("inet:HOST:PORT" and "unix:/PATH", by commas and blanks): marks those
 * of current that go on, makes the others and gives them as *ret_fresh. On failure nothing is left
 * but marks. A UNIX socket whose name is gone is made anew. One of current that goes, and whose
 * address overlaps with a new one, listens no more. Names of hosts are looked up, for at most
 * POLICY_LOOKUP_MS; where nobody is served yet, POLICY_FIRST_LOOKUP_MS.
 */
int policy_listeners_plan(const char *list, struct policy_listener *current,
			  struct policy_listener **ret_fresh, struct explanation *reterr_why);

/* Closes all of fresh, and has those of current listen again that had made room. Accepts NULL. */
void policy_listeners_discard(struct policy_listener *fresh, struct policy_listener *current);

/* Closes one, and removes its name where that is allowed. Its event must be gone. */
void policy_listener_free(struct policy_listener *listener);

#endif
