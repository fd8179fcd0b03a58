/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and removing sockets that have a name.
 */
#include "unix_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"

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

/*
 * Mode and group of the socket that was just bound, whoever may write to its directory: an agent
 * that is still root must not be led by a link to another file.
 */
static int access_give(const char *path, const struct unix_access *access)
{
	_cleanup_close_ int node = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char name[sizeof("/proc/self/fd/") + 16];
	struct stat status;

	if (node < 0 || fstat(node, &status) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	if (access->group != (gid_t)-1 &&
	    fchownat(node, "", (uid_t)-1, access->group, AT_EMPTY_PATH) < 0)
		return -errno;
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", node);
	return chmod(name, access->mode) < 0 ? -errno : 0;
}

/* Binds under a name that nobody knows, and gives that mode and group. */
static int temporary_bind(int fd, const char *path, const struct unix_access *access, int backlog)
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
	error = access_give(path, access);
	if (!error && listen(fd, backlog) < 0)
		error = -errno;
	if (error)
		(void)unlink(path);
	return error;
}

int unix_listen(const char *path, const struct unix_access *access, int backlog,
		struct unix_node *ret_node, int *ret_listening)
{
	_cleanup_free_ char *name = strdup(path), *temporary = NULL;
	_cleanup_close_ int fd = -1;
	struct stat status;
	int error;

	if (!name || asprintf(&temporary, "%s.new", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	error = place_check(path);
	if (error)
		return error;
	fd = socket_make();
	if (fd < 0)
		return fd;
	error = temporary_bind(fd, temporary, access, backlog);
	if (error)
		return error;
	if (stat(temporary, &status) < 0 || rename(temporary, path) < 0) {
		error = -errno;
		(void)unlink(temporary);
		return error;
	}
	*ret_node = (struct unix_node){ TAKE_PTR(name), status.st_dev, status.st_ino };
	*ret_listening = TAKE_FD(fd);
	return 0;
}

int unix_unlisten(struct unix_node *node)
{
	struct stat status;
	int error = 0;

	if (node->path && lstat(node->path, &status) == 0 && status.st_dev == node->device &&
	    status.st_ino == node->inode && unlink(node->path) < 0)
		error = -errno;
	free(node->path);
	*node = (struct unix_node){ 0 };
	return error;
}
