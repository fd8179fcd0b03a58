/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop, with the signals that the agent handles and the service manager's watchdog.
 */
#ifndef AGENT_EVENT_LOOP_H
#define AGENT_EVENT_LOOP_H

struct daemon;

/*
 * Sets daemon->loop, signals and watchdog, and lets the signals in that daemon_hold_signals kept
 * waiting. 0 or -errno; event_loop_free is due in either case.
 */
int event_loop_new(struct daemon *daemon);

/* Accepts what is there: also the part of a loop that could not be made, or nothing. */
void event_loop_free(struct daemon *daemon);

#endif
