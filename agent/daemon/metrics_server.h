/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET /metrics over HTTP, nothing else; bounded in connections, request size and time.
 */
#ifndef AGENT_METRICS_SERVER_H
#define AGENT_METRICS_SERVER_H

#include "daemon.h"

struct metrics_server;

/* listen is HOST:PORT, an IPv6 host in brackets. -EINVAL: it is not; -EADDRINUSE and others as
 * bind(2). */
int metrics_server_new(struct daemon *daemon, const char *listen,
		       struct metrics_server **ret_server);

/* Accepts NULL. Returns NULL. */
struct metrics_server *metrics_server_free(struct metrics_server *server);

#endif
