/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager's watchdog, fed from the loop: who hangs starves it.
 */
#ifndef AGENT_WATCHDOG_H
#define AGENT_WATCHDOG_H

struct event_base;
struct event;

/* A timer, or NULL in *ret_timer if no watchdog is there. 0 or -errno. */
int watchdog_new(struct event_base *loop, struct event **ret_timer);

#endif
