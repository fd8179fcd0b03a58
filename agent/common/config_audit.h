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
	size_t words_left;           /* to look at, in all lists together */
};

/* What no configuration comes near: lists that name each other again and again would take forever.
 */
#define AUDIT_WORDS_MAX 10000000

const struct config_setting *audit_setting(const struct audit *audit, const char *name);

/* The number that a parameter has; 0 if it is none, which the load has reported. */
long audit_number(const struct audit *audit, const char *name);

#define warn_at(audit, origin, parameter, ...)                                              \
	report_add((audit)->report, REPORT_WARNING,                                         \
		   (origin)->file ? (origin)->file : (audit)->config->file, (origin)->line, \
		   (parameter), __VA_ARGS__)

#define warn(audit, name, ...) \
	warn_at((audit), &audit_setting((audit), (name))->origin, (name), __VA_ARGS__)

/* config_word_next, while there are words left to look at. */
bool audit_word_next(struct audit *audit, const char **cursor, const char *end,
		     struct config_word *ret_word);

/* Sizes and free space. config_check_sizes.c */
int audit_sizes(struct audit *audit);

/* The exceptions: too wide, by accident, or none. config_check_lists.c */
void audit_lists(const struct audit *audit);

/* Ports and services, rates here and there. config_check_postfix.c */
int audit_postfix(struct audit *audit);

/* Whether Postfix asks the policy service, and how. config_check_policy.c */
int audit_policy(struct audit *audit);

/* Cuts the queue directory off the path of unix:PATH, as its inhabitants write it, and "unix:" with
 * it; false if it is not in there. */
bool audit_endpoint_in_queue(const struct audit *audit, struct config_word *endpoint);

/* How Postfix asks: what stands behind the server in the braces, else what main.cf says for all. */
struct policy_options {
	struct audit *audit;
	struct config_scope *scope;
	const struct config_origin *origin; /* of the list */
	const char *list;
	const char *line;          /* the right one */
	struct config_word inside; /* of the braces: the server, then options */
};
/* Whether mail goes on while the agent is down. Returns 0, -ENOMEM, or -EINVAL for what has been
 * reported. config_check_policy_options.c */
int audit_policy_options(const struct policy_options *options);

/* Whether Postfix shows messages to the milter, where that is needed. config_check_milter.c */
int audit_milter(struct audit *audit);

/* Whether a place where Postfix names a server is one where a parameter (a list of endpoints) says
 * that one listens. config_check_milter.c */
bool audit_endpoint_listed(struct audit *audit, const char *name, const char *text, size_t size);

#endif
