/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sd_notify(3). That a notice could not be sent is of no consequence to the work, so it is ignored.
 */
#include "service_manager.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "mono.h"

#define KEPT_NAME "listener"

void service_manager_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s\n", status);
}

/*
 * With the time, so that systemd can tell the READY=1 of this reload from an earlier one. Rounded
 * up: systemd takes a time before its own signal for an old notice.
 */
void service_manager_reloading(void)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
			 (mono_now().ms + 1) * 1000);
}

void service_manager_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1\nSTATUS=\n");
}

void service_manager_status(const char *status)
{
	(void)sd_notifyf(0, "STATUS=%s\n", status);
}

uint64_t service_manager_watchdog_us(void)
{
	uint64_t limit_us;

	return sd_watchdog_enabled(0, &limit_us) > 0 ? limit_us : 0;
}

void service_manager_feed(void)
{
	(void)sd_notify(0, "WATCHDOG=1\n");
}

int service_manager_configuration_status(void)
{
	return getenv("NOTIFY_SOCKET") ? EX_CONFIG : EXIT_FAILURE;
}

bool service_manager_keep(const int *fds, unsigned count)
{
	return count > 0 &&
	       sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=" KEPT_NAME "\n", fds, count) > 0;
}

void service_manager_forget(void)
{
	(void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" KEPT_NAME "\n");
}

size_t service_manager_kept(int *ret_fds, size_t room)
{
	const int passed = sd_listen_fds(1);
	size_t count = 0;

	for (int i = 0; i < passed; i++) {
		if (count < room)
			ret_fds[count++] = SD_LISTEN_FDS_START + i;
		else
			(void)close(SD_LISTEN_FDS_START + i);
	}
	return count;
}
