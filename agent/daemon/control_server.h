/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: who may connect, one request and one reply a connection, bounded in number,
 * size and time. Root and the agent's own user may change things; the others whom the socket's mode
 * lets in may look.
 */
#ifndef AGENT_CONTROL_SERVER_H
#define AGENT_CONTROL_SERVER_H

#include "daemon.h"

struct control_server;

/*
 * -EADDRINUSE: an agent answers there already; -EEXIST: something other than a socket is there;
 * -ENOENT: no such directory; -ESRCH: no such group; -ENAMETOOLONG.
 */
int control_server_new(struct daemon *daemon, const char *path, const char *group,
		       struct control_server **ret_server);

/* Whether members of the group are kept out, since this process may not give files to it. Never for
 * the group root: its only member may come in anyway. */
bool control_server_group_refused(const struct control_server *server);

/* Unlinks the socket. A command being answered still gets its reply. Accepts NULL. Returns NULL. */
struct control_server *control_server_free(struct control_server *server);

#endif
