/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop, its priorities, and what a signal asks of the agent.
 */
#include "event_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>

#include "daemon.h"
#include "session.h"
#include "watchdog.h"

#define LAST_TURN_US 2000

static void reload_signalled(evutil_socket_t number, short what, void *context)
{
	struct report report = {};

	(void)number, (void)what;
	(void)daemon_reload(context, &report);
	report_log(&report);
	report_done(&report);
}

static void stop_signalled(evutil_socket_t number, short what, void *context)
{
	(void)what;
	daemon_stop(context, number == SIGUSR1 ? DAEMON_KEEP : DAEMON_DETACH);
}

static const struct {
	int number;
	event_callback_fn handle;
} signals[DAEMON_SIGNALS] = {
	{ SIGHUP, reload_signalled },
	{ SIGTERM, stop_signalled },
	{ SIGINT, stop_signalled },
	{ SIGUSR1, stop_signalled },
};

void daemon_hold_signals(bool hold)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < DAEMON_SIGNALS; i++)
		(void)sigaddset(&set, signals[i].number);
	(void)sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* With priorities: of what comes last no more is begun after so long, if there is something else.
 */
static struct event_base *base_new(void)
{
	const struct timeval turn = { 0, LAST_TURN_US };
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config &&
	    !event_config_set_max_dispatch_interval(config, &turn, -1, SESSION_PRIORITY_LAST))
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	if (base && event_base_priority_init(base, SESSION_PRIORITIES)) {
		event_base_free(base);
		return NULL;
	}
	return base;
}

int event_loop_new(struct daemon *daemon)
{
	daemon->loop = base_new();
	if (!daemon->loop)
		return -ENOMEM;
	for (size_t i = 0; i < DAEMON_SIGNALS; i++) {
		daemon->signals[i] =
			evsignal_new(daemon->loop, signals[i].number, signals[i].handle, daemon);
		if (!daemon->signals[i] || event_add(daemon->signals[i], NULL))
			return -ENOMEM;
	}
	daemon_hold_signals(false);
	return watchdog_new(daemon->loop, &daemon->watchdog);
}

void event_loop_free(struct daemon *daemon)
{
	for (size_t i = 0; i < DAEMON_SIGNALS; i++)
		if (daemon->signals[i])
			event_free(daemon->signals[i]);
	if (daemon->watchdog)
		event_free(daemon->watchdog);
	if (daemon->loop)
		event_base_free(daemon->loop);
}
