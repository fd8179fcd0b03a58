/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From HOST:PORT to sockets that listen.
 */
#include "tcp_listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "cleanup.h"
#include "name_lookup.h"

/* Splits HOST:PORT; an IPv6 host has brackets, an empty one means all addresses. host is to be
 * freed. */
static int split(const char *text, char **ret_host, const char **ret_port)
{
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t size;

	if (!colon || !colon[1])
		return -EINVAL;
	size = (size_t)(colon - text);
	if (size >= 2 && host[0] == '[' && host[size - 1] == ']') {
		host++;
		size -= 2;
	} else if (memchr(host, ':', size)) {
		return -EINVAL;
	}
	*ret_host = strndup(host, size);
	*ret_port = colon + 1;
	return *ret_host ? 0 : -ENOMEM;
}

int tcp_resolve(const char *text, struct mono_ms deadline, struct addrinfo **ret_addresses)
{
	_cleanup_free_ char *host = NULL;
	const char *port;
	const int error = split(text, &host, &port);

	if (error)
		return error;
	return name_lookup(*host ? host : NULL, port, deadline, ret_addresses);
}

static int listen_on(const struct sockaddr *address, socklen_t size, int backlog, bool early,
		     int *ret_listening)
{
	_cleanup_close_ int fd =
		socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	if (fd < 0)
		return -errno;
	/* Connections of the agent before may still be winding down. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Holds for IPv6 sockets as well. */
	if (early)
		(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	if (bind(fd, address, size) < 0 || listen(fd, backlog) < 0)
		return -errno;
	*ret_listening = TAKE_FD(fd);
	return 0;
}

int tcp_listen(const struct sockaddr *address, socklen_t size, int backlog, int *ret_listening)
{
	return listen_on(address, size, backlog, false, ret_listening);
}

int tcp_listen_early(const struct sockaddr *address, socklen_t size, int backlog,
		     int *ret_listening)
{
	return listen_on(address, size, backlog, true, ret_listening);
}

void tcp_pause(int listening)
{
	(void)shutdown(listening, SHUT_RD);
}

int tcp_resume(int listening, int backlog)
{
	return listen(listening, backlog) < 0 ? -errno : 0;
}

/* 0 for what is neither IPv4 nor IPv6; no socket listens on port 0. */
static in_port_t port_of(const struct sockaddr *address)
{
	switch (address->sa_family) {
	case AF_INET:
		return ((const struct sockaddr_in *)address)->sin_port;
	case AF_INET6:
		return ((const struct sockaddr_in6 *)address)->sin6_port;
	default:
		return 0;
	}
}

bool tcp_same_port(const struct sockaddr *one, const struct sockaddr *other)
{
	const in_port_t port = port_of(one);

	return port && port == port_of(other);
}
