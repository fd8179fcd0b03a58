/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP and UNIX listeners. Anybody who can connect can ask for a verdict, and make the milter count;
 * nothing else.
 */
#include "milter_sockets.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"

#define BACKLOG     1024
#define SOCKET_MODE 0666

static int address_listen(const struct sockaddr *address, socklen_t size, int *ret_fd)
{
	_cleanup_close_ int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int yes = 1;

	if (fd < 0)
		return -errno;
	if (address->sa_family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, address, size) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int inet_listen(const struct config_listener *listener, int *ret_fd)
{
	static const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE,
	};
	struct addrinfo *found;
	char port[8];
	int error;

	(void)snprintf(port, sizeof(port), "%u", listener->port);
	if (getaddrinfo(listener->host, port, &hints, &found))
		return -EADDRNOTAVAIL;
	/* A name's first address, as Postfix tries it first. */
	error = address_listen(found->ai_addr, found->ai_addrlen, ret_fd);
	freeaddrinfo(found);
	return error;
}

/* Removes a socket file that nobody listens at. */
static int place_clear(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = -1;
	struct stat status;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

static int unix_listen(const struct config_listener *listener, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error, fd = -1;

	if (strlen(listener->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, listener->path, strlen(listener->path));
	error = place_clear(&address);
	if (!error)
		error = address_listen((const struct sockaddr *)&address, sizeof(address), &fd);
	if (error)
		return error;
	if (chmod(listener->path, SOCKET_MODE) < 0) {
		error = -errno;
		(void)close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int milter_sockets_open(const struct config *config, struct milter_sockets *ret_sockets,
			const char **reterr_listener)
{
	struct milter_sockets sockets = { 0 };
	int error = config_listeners(config->milter_listen, &sockets.listeners, &sockets.count);

	*reterr_listener = NULL;
	if (error)
		return error;
	for (size_t i = 0; i < MILTER_SOCKETS_MAX; i++)
		sockets.fds[i] = -1;
	if (sockets.count > MILTER_SOCKETS_MAX)
		error = -E2BIG;
	for (size_t i = 0; i < sockets.count && !error; i++) {
		const struct config_listener *listener = &sockets.listeners[i];

		*reterr_listener = listener->text;
		error = listener->is_unix ? unix_listen(listener, &sockets.fds[i])
					  : inet_listen(listener, &sockets.fds[i]);
	}
	*ret_sockets = sockets;
	return error;
}

void milter_sockets_close(struct milter_sockets *sockets, size_t but)
{
	for (size_t i = 0; i < MILTER_SOCKETS_MAX; i++) {
		if (i == but || sockets->fds[i] < 0)
			continue;
		(void)close(sockets->fds[i]);
		sockets->fds[i] = -1;
	}
}

void milter_sockets_remove(const struct milter_sockets *sockets)
{
	for (size_t i = 0; i < sockets->count && i < MILTER_SOCKETS_MAX; i++) {
		if (sockets->listeners[i].is_unix)
			(void)unlink(sockets->listeners[i].path);
	}
}

void milter_sockets_done(struct milter_sockets *sockets)
{
	milter_sockets_close(sockets, MILTER_SOCKETS_MAX);
	config_listeners_free(sockets->listeners, sockets->count);
	*sockets = (struct milter_sockets){ 0 };
}
