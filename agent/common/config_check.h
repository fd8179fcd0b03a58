/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit of `synanvil check`: what is valid, but probably not what a postmaster wants.
 */
#ifndef AGENT_CONFIG_CHECK_H
#define AGENT_CONFIG_CHECK_H

#include "config.h"
#include "report.h"

/* What the audit asks of the machine that it runs on. */
struct config_check_host {
	/* Bytes that an unprivileged user may still write below path; 0 or -errno. */
	int (*free_bytes)(void *context, const char *path, uint64_t *ret_bytes);
	bool (*has_interface)(void *context, const char *name);
	bool (*has_group)(void *context, const char *name);
	void *context;
};

/* Appends warnings about config on this machine. Returns how many, or -ENOMEM. */
int config_check(const struct config *config, struct report *report);

/* The same on a machine that host describes. */
int config_check_on(const struct config *config, const struct config_check_host *host,
		    struct report *report);

#endif
