/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listening TCP sockets by HOST:PORT.
 */
#ifndef AGENT_TCP_LISTENER_H
#define AGENT_TCP_LISTENER_H

#include <sys/socket.h>

struct addrinfo;

/*
 * The addresses of HOST:PORT, an IPv6 host in brackets, an empty one for all addresses; to be freed
 * by freeaddrinfo. A host's name is looked up, which waits for the name server. -EINVAL: it is not
 * HOST:PORT, or there is no such host or service.
 */
int tcp_resolve(const char *text, struct addrinfo **ret_addresses);

/* 0 or -errno, as bind(2); -EADDRNOTAVAIL: it is no address of this host. */
int tcp_listen(const struct sockaddr *address, socklen_t size, int backlog, int *ret_listening);

/*
 * As tcp_listen, for an address that this host may get later: the agent starts before the network
 * is up, and must not wait for an address with the interfaces unprotected.
 */
int tcp_listen_early(const struct sockaddr *address, socklen_t size, int backlog,
		     int *ret_listening);

#endif
