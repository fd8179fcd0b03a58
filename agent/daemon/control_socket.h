/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket in the file system: appears complete, with mode and group, or not at all.
 */
#ifndef AGENT_CONTROL_SOCKET_H
#define AGENT_CONTROL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

/* A name in the file system, and the node that was put there. */
struct control_socket {
	char *path; /* owned */
	dev_t device;
	ino_t inode;
	bool group_refused; /* this process may not give it to the group */
};

/*
 * Listens at path, mode 0660, group as named; mode 0600 where an agent that is not root may not
 * give files to that group. What is left there of an agent that is gone is replaced. Errors as
 * control_server_new.
 */
int control_socket_open(const char *path, const char *group, struct control_socket *ret_socket,
			int *ret_listening);

/* Removes the name, unless another agent has put its own there. */
void control_socket_close(struct control_socket *socket);

/* The user at the other end of a connection; 0 or -errno. */
int control_socket_peer(int fd, uid_t *ret_user);

#endif
