/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and removing the control socket.
 */
#include "control_socket.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "cleanup.h"

#define SOCKET_MODE         0660
#define SOCKET_MODE_REFUSED 0600
#define BACKLOG             64

static int group_find(const char *name, gid_t *ret_group)
{
	struct group entry, *found = NULL;
	char buffer[16384];
	const int error = getgrnam_r(name, &entry, buffer, sizeof(buffer), &found);

	if (error)
		return -error;
	if (!found)
		return -ESRCH;
	*ret_group = entry.gr_gid;
	return 0;
}

static int address_of(const char *path, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret_address->sun_path, path, strlen(path));
	return 0;
}

static int socket_make(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Whether path may be taken: nothing there, or a socket at which nobody answers. */
static int place_check(const char *path)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;
	struct stat status;
	int error = address_of(path, &address);

	if (error)
		return error;
	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket_make();
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return -EADDRINUSE;
	/* A full backlog is an answer too. */
	return errno == ECONNREFUSED || errno == ENOENT ? 0 : -EADDRINUSE;
}

/* Less than root may give a file to its own groups only. Then nobody comes in by their group. */
static int access_set(const char *path, gid_t group, bool *ret_refused)
{
	const bool refused = chown(path, (uid_t)-1, group) < 0;

	if (refused && errno != EPERM)
		return -errno;
	*ret_refused = refused;
	return chmod(path, refused ? SOCKET_MODE_REFUSED : SOCKET_MODE) < 0 ? -errno : 0;
}

/* Binds under a name that nobody knows, and gives that mode and group. */
static int temporary_bind(int fd, const char *path, gid_t group, bool *ret_refused)
{
	struct sockaddr_un address;
	int error = address_of(path, &address);

	if (error)
		return error;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	/* Nobody can connect before listen, so the mode that umask leaves for a moment does not
	 * matter. */
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	error = access_set(path, group, ret_refused);
	if (!error && listen(fd, BACKLOG) < 0)
		error = -errno;
	if (error)
		(void)unlink(path);
	return error;
}

int control_socket_open(const char *path, const char *group, struct control_socket *ret_socket,
			int *ret_listening)
{
	_cleanup_free_ char *name = strdup(path), *temporary = NULL;
	_cleanup_close_ int fd = -1;
	struct stat status;
	gid_t id = (gid_t)-1;
	bool refused = false;
	int error = group_find(group, &id);

	if (!name || asprintf(&temporary, "%s.new", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	if (!error)
		error = place_check(path);
	if (error)
		return error;
	fd = socket_make();
	if (fd < 0)
		return fd;
	error = temporary_bind(fd, temporary, id, &refused);
	if (error)
		return error;
	if (stat(temporary, &status) < 0 || rename(temporary, path) < 0) {
		error = -errno;
		(void)unlink(temporary);
		return error;
	}
	*ret_socket = (struct control_socket){ TAKE_PTR(name), status.st_dev, status.st_ino,
					       refused && id != 0 };
	*ret_listening = TAKE_FD(fd);
	return 0;
}

void control_socket_close(struct control_socket *socket)
{
	struct stat status;

	if (socket->path && lstat(socket->path, &status) == 0 && status.st_dev == socket->device &&
	    status.st_ino == socket->inode)
		(void)unlink(socket->path);
	free(socket->path);
	*socket = (struct control_socket){ 0 };
}

int control_socket_peer(int fd, uid_t *ret_user)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*ret_user = peer.uid;
	return 0;
}
