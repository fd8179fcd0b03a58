/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP and UNIX listeners. Anybody who can connect can ask for a verdict, and make the milter count;
 * nothing else.
 */
#include "milter_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
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

static int inet_find(const struct config_listener *listener, struct milter_socket *ret_socket)
{
	static const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE,
	};
	struct addrinfo *found;
	char port[8];

	(void)snprintf(port, sizeof(port), "%u", listener->port);
	if (getaddrinfo(listener->host, port, &hints, &found))
		return -EADDRNOTAVAIL;
	/* A name's first address, as Postfix tries it first. */
	memcpy(&ret_socket->address, found->ai_addr, found->ai_addrlen);
	ret_socket->address_size = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int unix_find(const struct config_listener *listener, struct milter_socket *ret_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const size_t size = strlen(listener->path) + 1;

	if (size > sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, listener->path, size);
	memcpy(&ret_socket->address, &address, sizeof(address));
	ret_socket->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
	return 0;
}

/* Where a socket is bound. */
static int bound_to(int fd, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	*ret_address = (struct sockaddr_storage){ 0 };
	*ret_size = sizeof(*ret_address);
	return getsockname(fd, (struct sockaddr *)ret_address, ret_size) < 0 ? -errno : 0;
}

/* A kept one that listens there, or -1. It is no longer among the kept ones. */
static int kept_take(const struct milter_socket *wanted, int *kept, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sockaddr_storage address;
		socklen_t size;

		if (kept[i] < 0 || bound_to(kept[i], &address, &size) ||
		    size != wanted->address_size || memcmp(&address, &wanted->address, size) != 0)
			continue;
		return TAKE_FD(kept[i]);
	}
	return -1;
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

static bool is_socket(int node)
{
	struct stat status;

	return fstat(node, &status) == 0 && S_ISSOCK(status.st_mode);
}

static int node_open(const char *path)
{
	return open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static struct sockaddr_un node_address(int node)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", node);
	return address;
}

/*
 * Later the milter may no longer be let in where its socket is; what it has open of the name it may
 * use.
 */
static void reach_by_node(struct milter_socket *socket)
{
	const struct sockaddr_un address = node_address(socket->node);

	memcpy(&socket->address, &address, sizeof(address));
	socket->address_size = sizeof(address);
}

/*
 * Whether who connects to the name gets to this socket: of both ends the kernel knows who began to
 * listen. Somebody may have removed the name, and another program have taken it. A full queue says
 * nothing.
 */
static bool leads_to(const struct milter_socket *unix_socket)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred there, here;
	socklen_t size = sizeof(there);

	if (fd < 0)
		return false;
	if (connect(fd, (const struct sockaddr *)&unix_socket->address, unix_socket->address_size) <
	    0)
		return errno == EAGAIN;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &there, &size) == 0 &&
	       getsockopt(unix_socket->fd, SOL_SOCKET, SO_PEERCRED, &here, &size) == 0 &&
	       memcmp(&there, &here, sizeof(there)) == 0;
}

/* A kept socket without its name is of no use. */
static void unix_take(const struct config_listener *listener, struct milter_socket *socket,
		      int *kept, size_t kept_count)
{
	socket->node = node_open(listener->path);
	if (is_socket(socket->node))
		socket->fd = kept_take(socket, kept, kept_count);
	if (socket->fd >= 0 && leads_to(socket))
		return;
	if (socket->fd >= 0)
		(void)close(TAKE_FD(socket->fd));
	if (socket->node >= 0)
		(void)close(TAKE_FD(socket->node));
}

/* Its address, and of the kept sockets the one that listens there, if there is one. */
static int listener_find(const struct config_listener *listener, struct milter_socket *socket,
			 int *kept, size_t kept_count)
{
	const int error = (listener->is_unix ? unix_find : inet_find)(listener, socket);

	if (error)
		return error;
	if (listener->is_unix)
		unix_take(listener, socket, kept, kept_count);
	else
		socket->fd = kept_take(socket, kept, kept_count);
	return 0;
}

/*
 * The mode of what was just bound, whoever may write to its directory: a milter that is still root
 * must not be led by a link to another file.
 */
static int unix_open_to_all(struct milter_socket *socket, const char *path)
{
	struct sockaddr_un node;

	socket->node = node_open(path);
	if (socket->node < 0)
		return -errno;
	if (!is_socket(socket->node))
		return -EEXIST;
	node = node_address(socket->node);
	return chmod(node.sun_path, SOCKET_MODE) < 0 ? -errno : 0;
}

static int unix_make(const char *path, struct milter_socket *socket)
{
	int error = place_clear((const struct sockaddr_un *)&socket->address);

	if (!error)
		error = address_listen((const struct sockaddr *)&socket->address,
				       socket->address_size, &socket->fd);
	if (error)
		return error;
	error = unix_open_to_all(socket, path);
	if (error)
		(void)unlink(path);
	return error;
}

static int listener_make(const struct config_listener *listener, struct milter_socket *socket)
{
	int error = 0;

	if (socket->fd < 0)
		error = listener->is_unix
				? unix_make(listener->path, socket)
				: address_listen((const struct sockaddr *)&socket->address,
						 socket->address_size, &socket->fd);
	if (!error && listener->is_unix)
		reach_by_node(socket);
	return error;
}

/* Those that nobody wants any more, with their names. */
static void kept_close(int *kept, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sockaddr_storage address;
		socklen_t size;
		bool is_unix;

		if (kept[i] < 0)
			continue;
		is_unix = bound_to(kept[i], &address, &size) == 0 && address.ss_family == AF_UNIX;
		(void)close(TAKE_FD(kept[i]));
		if (is_unix)
			(void)place_clear((const struct sockaddr_un *)&address);
	}
}

int milter_sockets_open(const struct config *config, int *kept, size_t kept_count,
			struct milter_sockets *ret_sockets, const char **reterr_listener)
{
	struct milter_sockets *sockets = ret_sockets;
	int error;

	*sockets = (struct milter_sockets){ 0 };
	*reterr_listener = NULL;
	for (size_t i = 0; i < MILTER_SOCKETS_MAX; i++)
		sockets->sockets[i] = (struct milter_socket){ .fd = -1, .node = -1 };
	error = config_listeners(config->milter_listen, &sockets->listeners, &sockets->count);
	if (!error && sockets->count > MILTER_SOCKETS_MAX)
		error = -E2BIG;
	for (size_t i = 0; !error && i < sockets->count; i++) {
		*reterr_listener = sockets->listeners[i].text;
		error = listener_find(&sockets->listeners[i], &sockets->sockets[i], kept,
				      kept_count);
	}
	/* First: one that is no longer wanted may be in the way of a new one. */
	kept_close(kept, kept_count);
	for (size_t i = 0; !error && i < sockets->count; i++) {
		*reterr_listener = sockets->listeners[i].text;
		error = listener_make(&sockets->listeners[i], &sockets->sockets[i]);
	}
	if (error)
		milter_sockets_remove(sockets);
	return error;
}

void milter_sockets_close(struct milter_sockets *sockets, size_t but)
{
	for (size_t i = 0; i < MILTER_SOCKETS_MAX; i++) {
		if (i == but || sockets->sockets[i].fd < 0)
			continue;
		(void)close(TAKE_FD(sockets->sockets[i].fd));
	}
}

/* Somebody may have removed the name, or have given it to another socket. */
static int same_node(int node, const char *path, bool *ret_same)
{
	struct stat ours, there;

	*ret_same = false;
	if (node < 0 || fstat(node, &ours) < 0)
		return -EBADF;
	if (lstat(path, &there) < 0)
		return -errno;
	*ret_same = ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
	return 0;
}

bool milter_sockets_named(const struct milter_sockets *sockets, size_t number)
{
	const struct config_listener *listener = &sockets->listeners[number];
	bool same;

	if (!listener->is_unix)
		return true;
	switch (same_node(sockets->sockets[number].node, listener->path, &same)) {
	case 0:
		return same;
	case -ENOENT:
		return false;
	default:
		return true;
	}
}

void milter_sockets_remove(const struct milter_sockets *sockets)
{
	for (size_t i = 0; i < sockets->count && i < MILTER_SOCKETS_MAX; i++) {
		const struct config_listener *listener = &sockets->listeners[i];
		bool same;

		if (listener->is_unix &&
		    same_node(sockets->sockets[i].node, listener->path, &same) == 0 && same)
			(void)unlink(listener->path);
	}
}

void milter_sockets_done(struct milter_sockets *sockets)
{
	milter_sockets_close(sockets, MILTER_SOCKETS_MAX);
	for (size_t i = 0; i < MILTER_SOCKETS_MAX; i++) {
		if (sockets->sockets[i].node >= 0)
			(void)close(sockets->sockets[i].node);
	}
	config_listeners_free(sockets->listeners, sockets->count);
	*sockets = (struct milter_sockets){ 0 };
}
