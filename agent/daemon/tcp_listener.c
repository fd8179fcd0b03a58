/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From HOST:PORT to sockets that listen.
 */
#include "tcp_listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "cleanup.h"

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

int tcp_resolve(const char *text, struct addrinfo **ret_addresses)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	_cleanup_free_ char *host = NULL;
	const char *port;
	const int error = split(text, &host, &port);

	if (error)
		return error;
	return getaddrinfo(*host ? host : NULL, port, &hints, ret_addresses) ? -EINVAL : 0;
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
