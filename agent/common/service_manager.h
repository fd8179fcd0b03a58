/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What systemd hears of a program's life, where it listens (NOTIFY_SOCKET); nothing otherwise. Only
 * the unit's main process is heard (NotifyAccess=main).
 */
#ifndef AGENT_SERVICE_MANAGER_H
#define AGENT_SERVICE_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At work, or at work again after a reload; status is shown by systemctl status. */
void service_manager_ready(const char *status);
void service_manager_reloading(void);
void service_manager_stopping(void);
void service_manager_status(const char *status);

/* The time within which the watchdog is to be fed, or 0: there is none. Microseconds. */
uint64_t service_manager_watchdog_us(void);
void service_manager_feed(void);

/*
 * The exit status for a configuration that is wrong. Alone it is a failure like others. A service
 * manager is told it apart (EX_CONFIG): to start the program again would change nothing until
 * somebody has edited the file.
 */
int service_manager_configuration_status(void);

/*
 * Descriptors that outlive this process until the next one of the unit has taken them. They go by
 * one name: forgetting is for all. Not more than the unit's FileDescriptorStoreMax= are kept.
 * Whether there is a service manager that was asked to.
 */
bool service_manager_keep(const int *fds, unsigned count);
void service_manager_forget(void);

/* Takes those that were kept: writes at most room of them, the caller's, and returns how many. Any
 * others are closed. */
size_t service_manager_kept(int *ret_fds, size_t room);

#endif
