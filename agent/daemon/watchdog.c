/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twice in the time that the watchdog gives.
 */
#include "watchdog.h"

#include <errno.h>
#include <event2/event.h>

#include "service_manager.h"

#define MICROSECONDS 1000000U

static void feed(evutil_socket_t socket, short what, void *context)
{
	(void)socket, (void)what, (void)context;
	service_manager_feed();
}

int watchdog_new(struct event_base *loop, struct event **ret_timer)
{
	const uint64_t limit_us = service_manager_watchdog_us();
	struct timeval interval;
	struct event *timer;

	*ret_timer = NULL;
	if (limit_us == 0)
		return 0;
	interval.tv_sec = (time_t)(limit_us / 2 / MICROSECONDS);
	interval.tv_usec = (suseconds_t)(limit_us / 2 % MICROSECONDS);
	timer = event_new(loop, -1, EV_PERSIST, feed, NULL);
	if (!timer || event_add(timer, &interval)) {
		if (timer)
			event_free(timer);
		return -ENOMEM;
	}
	*ret_timer = timer;
	return 0;
}
