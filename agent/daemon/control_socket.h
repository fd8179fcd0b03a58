/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket in the file system, and who is at its other end.
 */
#ifndef AGENT_CONTROL_SOCKET_H
#define AGENT_CONTROL_SOCKET_H

#include <sys/types.h>

#include <stdbool.h>

#include "unix_listener.h"

/*
 * Listens at path, mode 0660, group as named; mode 0600 where an agent that is not root may not
 * give files to that group (*ret_refused, but for the group root: its only member may come in
 * anyway). Errors as unix_listen; -ESRCH: no such group.
 */
int control_socket_open(const char *path, const char *group, struct unix_node *ret_node,
			int *ret_listening, bool *ret_refused);

/* The user at the other end of a connection; 0 or -errno. */
int control_socket_peer(int fd, uid_t *ret_user);

#endif
