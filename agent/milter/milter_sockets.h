/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of milter_listen, opened while the milter still may: before it becomes its user. Or
 * taken from the milter before, which a restart has ended: connections have waited meanwhile.
 */
#ifndef MILTER_MILTER_SOCKETS_H
#define MILTER_MILTER_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "config.h"

/* More listeners than anybody has; each is a process. */
#define MILTER_SOCKETS_MAX 16

struct milter_socket {
	int fd;                          /* -1: closed */
	int node;                        /* of a UNIX socket, its name's node (O_PATH); else -1 */
	struct sockaddr_storage address; /* where it can be reached from here */
	socklen_t address_size;
};

struct milter_sockets {
	struct config_listener *listeners; /* owned */
	size_t count;
	struct milter_socket sockets[MILTER_SOCKETS_MAX];
};

/*
 * Listens everywhere, or nowhere. Of kept, sockets that listen, those that are wanted are taken if
 * their names still lead to them, the others closed and their names removed. A socket file that
 * nobody listens at is replaced; the new one may be used by everybody whom its directory lets in.
 * On failure no socket file is left, and *reterr_listener is the text of the listener that is to
 * blame (in ret_sockets), or NULL. milter_sockets_done is due in either case. 0 or -errno; -E2BIG.
 */
int milter_sockets_open(const struct config *config, int *kept, size_t kept_count,
			struct milter_sockets *ret_sockets, const char **reterr_listener);

/* Closes them, but for one of them (count: none). */
void milter_sockets_close(struct milter_sockets *sockets, size_t but);

/* Whether the name of a listener still leads to its socket, as far as can be seen from here. One of
 * TCP has no name to lose. */
bool milter_sockets_named(const struct milter_sockets *sockets, size_t number);

/* Removes the socket files that are still ours, as far as that is allowed. */
void milter_sockets_remove(const struct milter_sockets *sockets);

void milter_sockets_done(struct milter_sockets *sockets);

#endif
