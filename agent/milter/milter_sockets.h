/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of milter_listen, opened while the milter still may: before it becomes its user.
 */
#ifndef MILTER_MILTER_SOCKETS_H
#define MILTER_MILTER_SOCKETS_H

#include <stddef.h>

#include "config.h"

/* More listeners than anybody has; each is a process. */
#define MILTER_SOCKETS_MAX 16

struct milter_sockets {
	struct config_listener *listeners; /* owned */
	size_t count;
	int fds[MILTER_SOCKETS_MAX];
};

/*
 * Listens everywhere, or nowhere. A socket file that nobody listens at is replaced; the new one may
 * be used by everybody whom its directory lets in. On failure *reterr_listener is the text of the
 * listener that is to blame (static or in config), or NULL. 0 or -errno; -E2BIG.
 */
int milter_sockets_open(const struct config *config, struct milter_sockets *ret_sockets,
			const char **reterr_listener);

/* Closes them, but for one of them (count: none). */
void milter_sockets_close(struct milter_sockets *sockets, size_t but);

/* Removes the socket files as far as that is still allowed. */
void milter_sockets_remove(const struct milter_sockets *sockets);

void milter_sockets_done(struct milter_sockets *sockets);

#endif
