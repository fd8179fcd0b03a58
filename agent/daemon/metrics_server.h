/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET /metrics over HTTP, nothing else; bounded in connections, request size and time.
 */
#ifndef AGENT_METRICS_SERVER_H
#define AGENT_METRICS_SERVER_H

#include "daemon.h"

struct metrics_server;

/*
 * listen is ADDRESS:PORT, an IPv6 address in brackets. -EINVAL: it is not; -EADDRINUSE and others
 * as bind(2). replaced is the server that the new one is for, or NULL: where its address overlaps
 * with the new one it listens no more, until metrics_server_resume; on failure it goes on.
 */
int metrics_server_new(struct daemon *daemon, const char *listen, struct metrics_server *replaced,
		       struct metrics_server **ret_server);

/* The one that was to replace it is gone without having done so. Accepts NULL. */
void metrics_server_resume(struct metrics_server *server);

/* Whether it does not listen, which could not be undone: then it is to be replaced. Accepts NULL.
 */
bool metrics_server_paused(const struct metrics_server *server);

/* Accepts NULL. Returns NULL. */
struct metrics_server *metrics_server_free(struct metrics_server *server);

#endif
