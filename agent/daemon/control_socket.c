/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making the control socket.
 */
#include "control_socket.h"

#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <sys/socket.h>

#define SOCKET_MODE         0660
#define SOCKET_MODE_REFUSED 0600
#define BACKLOG             128

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

int control_socket_open(const char *path, const char *group, struct unix_node *ret_node,
			int *ret_listening, bool *ret_refused)
{
	struct unix_access access = { .mode = SOCKET_MODE };
	int error = group_find(group, &access.group);

	*ret_refused = false;
	if (!error)
		error = unix_listen(path, &access, BACKLOG, ret_node, ret_listening);
	if (error != -EPERM)
		return error;
	/* Less than root may give a file to its own groups only. Then nobody comes in by their
	 * group. */
	*ret_refused = access.group != 0;
	access = (struct unix_access){ .mode = SOCKET_MODE_REFUSED, .group = (gid_t)-1 };
	return unix_listen(path, &access, BACKLOG, ret_node, ret_listening);
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
