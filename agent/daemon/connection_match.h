/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which service a socket belongs to, and which source it counts for: for the agent what
 * service_find and source_key_make are for the programs in the kernel. Pure.
 */
#ifndef AGENT_CONNECTION_MATCH_H
#define AGENT_CONNECTION_MATCH_H

#include <stdbool.h>

#include "sock_diag.h"
#include "synanvil/abi.h"

/* False for a socket of no service. counted is left 0. */
bool connection_match(const struct sa_settings *settings, const struct sock_diag_socket *socket,
		      struct sa_connection *ret_connection);

#endif
