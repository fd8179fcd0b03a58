/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream socket under a name in the file system: appears complete, with mode and group, or not at
 * all.
 */
#ifndef AGENT_UNIX_LISTENER_H
#define AGENT_UNIX_LISTENER_H

#include <sys/types.h>

/* A name in the file system, and the node that was put there. All zero: none. */
struct unix_node {
	char *path; /* owned */
	dev_t device;
	ino_t inode;
};

struct unix_access {
	mode_t mode;
	gid_t group; /* (gid_t)-1: that of the process */
};

/*
 * Listens at path, which it copies. What is left there of a program that is gone is replaced.
 * -EADDRINUSE: somebody answers there; -EEXIST: something other than a socket is there; -ENOENT: no
 * such directory; -ENAMETOOLONG; others as bind(2), chown(2) and rename(2).
 */
int unix_listen(const char *path, const struct unix_access *access, int backlog,
		struct unix_node *ret_node, int *ret_listening);

/* Removes the name, unless somebody else has put another node there. 0 or -errno; it is forgotten
 * in either case. */
int unix_unlisten(struct unix_node *node);

#endif
