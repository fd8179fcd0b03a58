/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the audit share. Only config_check*.c include this.
 */
#ifndef AGENT_CONFIG_AUDIT_H
#define AGENT_CONFIG_AUDIT_H

#include "config_check.h"
#include "config_postfix.h"

struct audit {
	const struct config *config;
	const struct config_check_host *host;
	struct report *report;
	struct config_loader loader; /* to expand what Postfix' files say */
};

const struct config_setting *audit_setting(const struct audit *audit, const char *name);

/* The number that a parameter has; 0 if it is none, which the load has reported. */
long audit_number(const struct audit *audit, const char *name);

#define warn_at(audit, origin, parameter, ...)                                              \
	report_add((audit)->report, REPORT_WARNING,                                         \
		   (origin)->file ? (origin)->file : (audit)->config->file, (origin)->line, \
		   (parameter), __VA_ARGS__)

#define warn(audit, name, ...) \
	warn_at((audit), &audit_setting((audit), (name))->origin, (name), __VA_ARGS__)

/* Sizes and free space. config_check_sizes.c */
int audit_sizes(struct audit *audit);

/* The exceptions: too wide, by accident, or none. config_check_lists.c */
void audit_lists(const struct audit *audit);

/* Ports and services, rates here and there. config_check_postfix.c */
int audit_postfix(struct audit *audit);

/* Whether Postfix asks the policy service, and how. config_check_policy.c */
int audit_policy(struct audit *audit);

/* Whether Postfix shows messages to the milter, where that is needed. config_check_milter.c */
int audit_milter(struct audit *audit);

/* Whether a place where Postfix names a server is one where a parameter (a list of endpoints) says
 * that one listens. config_check_milter.c */
bool audit_endpoint_listed(const struct audit *audit, const char *name, const char *text,
			   size_t size);

#endif
