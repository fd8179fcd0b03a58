/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What systemd hears of the agent's life, where it listens (NOTIFY_SOCKET); nothing otherwise.
 */
#ifndef AGENT_SERVICE_MANAGER_H
#define AGENT_SERVICE_MANAGER_H

struct event_base;
struct event;

void service_manager_ready(void);
void service_manager_reloading(void);
void service_manager_stopping(void);

/* A timer that feeds the watchdog from the loop, or NULL in *ret_timer if none is asked for. 0 or
 * -errno. */
int service_manager_watchdog(struct event_base *loop, struct event **ret_timer);

#endif
