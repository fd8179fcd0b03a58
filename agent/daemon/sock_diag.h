/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP sockets of the agent's network namespace that are ESTABLISHED or CLOSE_WAIT, of both
 * families, as the kernel lists them: in parts of some hundred, so that nobody else has to wait.
 *
 * The list is none of one moment: what opens or closes meanwhile may be in it or not, and now and
 * then Linux leaves out a socket whose neighbour closes.
 */
#ifndef AGENT_SOCK_DIAG_H
#define AGENT_SOCK_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "synanvil/abi.h"

struct event_base;
struct nlmsghdr;
struct sock_diag;

struct sock_diag_socket {
	uint64_t cookie;
	struct sa_address remote; /* IPv4 is mapped */
	struct sa_address local;
	uint16_t local_port_be;
};

struct sock_diag_listener {
	void (*found)(const struct sock_diag_socket *socket, void *context);
	/* The list is complete (0), or broke off with -errno: -ETIMEDOUT where the kernel says
	 * nothing for ten seconds. A new one may be started. */
	void (*done)(int error, void *context);
	void *context;
};

int sock_diag_new(struct event_base *loop, const struct sock_diag_listener *listener,
		  struct sock_diag **ret_diag);

/* Accepts NULL. Returns NULL. */
struct sock_diag *sock_diag_free(struct sock_diag *diag);

/* Asks for the list; it comes by and by from the loop. What is under way breaks off without done.
 * 0 or -errno. */
int sock_diag_start(struct sock_diag *diag);

/* The same at once, without the loop: returns what done was told, or -ETIMEDOUT. */
int sock_diag_run(struct sock_diag *diag);

/* One message of the list. False for what is no TCP socket with a cookie. Pure. */
bool sock_diag_decode(const struct nlmsghdr *message, struct sock_diag_socket *ret_socket);

#endif
