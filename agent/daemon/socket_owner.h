/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel knows of a TCP connection of this host (and network namespace): whether there is
 * one, and which user's process made its end.
 */
#ifndef AGENT_SOCKET_OWNER_H
#define AGENT_SOCKET_OWNER_H

#include <stdint.h>

#include "synanvil/abi.h"

struct socket_end {
	struct sa_address address;
	uint16_t port; /* host order */
};

/*
 * Asks by sock_diag for the socket whose own end is local and whose peer is remote. 0: it is
 * established or closed by its peer alone, and a process of *ret_user made it; -ENOENT: there is no
 * such one; another -errno: the kernel does not say. Does not block.
 */
int socket_owner(const struct socket_end *local, const struct socket_end *remote,
		 uint32_t *ret_user);

/*
 * The user of the process at the other end of the connected socket fd, which must be on this host:
 * a UNIX socket, or a TCP connection. As socket_owner.
 */
int socket_peer_user(int fd, uint32_t *ret_user);

#endif
