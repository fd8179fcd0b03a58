/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of hosts, within a time that the caller sets: name servers that are dead must not hold up
 * the loop.
 */
#ifndef AGENT_NAME_LOOKUP_H
#define AGENT_NAME_LOOKUP_H

#include "mono.h"

struct addrinfo;

/*
 * Addresses to listen on at host (NULL: all addresses) and service, to be freed by freeaddrinfo. A
 * host that is an address is never asked for. -EINVAL: there is no such host or service; -EAGAIN:
 * the name service failed; -ETIMEDOUT: it has not answered by the deadline; -ENOMEM.
 */
int name_lookup(const char *host, const char *service, struct mono_ms deadline,
		struct addrinfo **ret_addresses);

#endif
