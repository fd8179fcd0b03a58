/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration becomes what the packet path goes by: build, clear the counters of new rows,
 * switch.
 */
#ifndef AGENT_CONFIGURATION_H
#define AGENT_CONFIGURATION_H

#include "daemon.h"
#include "explanation.h"

/*
 * Puts config in force in the kernel tables, with the interfaces where they are found now; on
 * success daemon->settings is what is in force. On failure nothing has changed. daemon->config is
 * the caller's to replace.
 */
int configuration_apply(struct daemon *daemon, const struct config *config,
			const struct interfaces *interfaces, struct explanation *reterr_why);

/* The servers' failures in words. */
int configuration_explain_control(const char *path, const char *group, int error,
				  struct explanation *reterr_why);
int configuration_explain_metrics(const char *listen, int error, struct explanation *reterr_why);

/*
 * Adds why to report as an error with the place where config sets the parameter to blame; the file
 * as a whole where none is, or where its default is in force.
 */
void configuration_report_failure(const struct config *config, const struct explanation *why,
				  struct report *report);

#endif
