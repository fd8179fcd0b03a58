/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live connections: starts the counting in the kernel, and holds what is counted against what
 * sock_diag lists: fills in what was there before, corrects what has drifted, and where the kernel
 * cannot count does the counting, a second late. Owns the counting program's link.
 */
#ifndef AGENT_CONNECTIONS_SYNC_H
#define AGENT_CONNECTIONS_SYNC_H

#include "connections_source.h"
#include "daemon.h"

struct connections_sync;

/* Returns with the counts true. What cannot work is logged, once, and is no failure. 0 or -errno.
 */
int connections_sync_new(struct daemon *daemon, struct connections_sync **ret_sync);

/* Accepts NULL. Returns NULL. leave: whether the kernel goes on counting. */
struct connections_sync *connections_sync_free(struct connections_sync *sync,
					       enum daemon_leave leave);

/* After the settings have changed: counts anew what another epoch asks for. Accepts NULL. */
void connections_sync_follow(struct connections_sync *sync);

/* Begins a pass now, in place of one under way. Accepts NULL. */
void connections_sync_check(struct connections_sync *sync);

enum connections_source connections_sync_source(const struct connections_sync *sync);

/* Corrections so far: connections that were counted and not there, or there and not counted;
 * without those right after a start, and of connections that got room late. */
uint64_t connections_sync_drift(const struct connections_sync *sync);

#endif
