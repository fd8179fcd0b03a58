/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listening TCP sockets by HOST:PORT.
 */
#ifndef AGENT_TCP_LISTENER_H
#define AGENT_TCP_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "mono.h"

struct addrinfo;

/*
 * The addresses of HOST:PORT, an IPv6 host in brackets, an empty one for all addresses; to be freed
 * by freeaddrinfo. A host's name is looked up, which waits for the name service until the deadline.
 * -EINVAL: it is not HOST:PORT, or there is no such host or service; -EAGAIN and -ETIMEDOUT as
 * name_lookup.
 */
int tcp_resolve(const char *text, struct mono_ms deadline, struct addrinfo **ret_addresses);

/* 0 or -errno, as bind(2); -EADDRNOTAVAIL: it is no address of this host. */
int tcp_listen(const struct sockaddr *address, socklen_t size, int backlog, int *ret_listening);

/*
 * As tcp_listen, for an address that this host may get later: the agent starts before the network
 * is up, and must not wait for an address with the interfaces unprotected.
 */
int tcp_listen_early(const struct sockaddr *address, socklen_t size, int backlog,
		     int *ret_listening);

/*
 * Stops listening and keeps the address, so that another socket of this agent can listen on one
 * that overlaps with it: the kernel refuses that only to those who listen. A port is not let go for
 * it, which others could take, or which the agent could not take again since it dropped its
 * privileges. Connections that nobody has accepted are reset, as by a close.
 */
void tcp_pause(int listening);

/*
 * Listens again. 0 or -errno; -EADDRINUSE: somebody listens there now who also lets others have the
 * address (SO_REUSEADDR) and came in between, which is accepted.
 */
int tcp_resume(int listening, int backlog);

/* Whether both have the same port: two sockets whose addresses overlap do. Network byte order. */
bool tcp_same_port(const struct sockaddr *one, const struct sockaddr *other);

#endif
