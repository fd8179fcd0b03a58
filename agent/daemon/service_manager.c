/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sd_notify(3). That a notice could not be sent is of no consequence to the work, so it is ignored.
 */
#include "service_manager.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "mono.h"

#define MICROSECONDS 1000000U

void service_manager_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

/*
 * With the time, so that systemd can tell the READY=1 of this reload from an earlier one. Rounded
 * up: systemd takes a time before its own signal for an old notice.
 */
void service_manager_reloading(void)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, (mono_now().ms + 1) * 1000);
}

void service_manager_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

static void feed(evutil_socket_t socket, short what, void *context)
{
	(void)socket, (void)what, (void)context;
	(void)sd_notify(0, "WATCHDOG=1");
}

int service_manager_watchdog(struct event_base *loop, struct event **ret_timer)
{
	struct timeval interval;
	struct event *timer;
	uint64_t limit_us;

	*ret_timer = NULL;
	if (sd_watchdog_enabled(0, &limit_us) <= 0)
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
