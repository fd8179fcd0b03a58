/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each function looks at one thing and warns at the line that would have to change.
 */
#include "config_check.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <string.h>
#include <sys/statvfs.h>

#include "config_audit.h"
#include "parse.h"

/* What one customer of a provider has at least. */
#define IPV6_CUSTOMER 64

const struct config_setting *audit_setting(const struct audit *audit, const char *name)
{
	const struct config_parameter *parameter = config_parameter_find(name, strlen(name));

	return &audit->config->values->settings[parameter - config_parameters];
}

long audit_number(const struct audit *audit, const char *name)
{
	long number = 0;

	(void)parse_long(audit_setting(audit, name)->value.data, &number);
	return number;
}

bool audit_word_next(struct audit *audit, const char **cursor, const char *end,
		     struct config_word *ret_word)
{
	if (audit->words_left == 0)
		return false;
	if (--audit->words_left == 0)
		warn(audit, "postfix_config_directory",
		     "the lists of restrictions are too long, or name each other too often, to be "
		     "looked through: not all of them was checked");
	return config_word_next(cursor, end, ret_word);
}

static void check_mode(const struct audit *audit)
{
	if (!audit->config->enforce)
		warn(audit, "enforcement",
		     "monitor: attempts are counted and reported, nothing is dropped; write "
		     "enforce "
		     "once the numbers are right");
}

static void check_limits(const struct audit *audit)
{
	const struct config *config = audit->config;
	size_t unlimited = 0;

	for (size_t i = 0; i < config->service_count; i++)
		unlimited += config->services[i].connection_rate_limit == 0;
	if (unlimited == config->service_count) {
		warn(audit, "smtpd_client_connection_rate_limit",
		     "0 for every service: attempts are counted, none is ever dropped for its "
		     "rate; "
		     "write a number; `synanvil top` shows what clients send");
		return;
	}
	for (size_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		if (service->connection_rate_limit == 0 && !service->behind_proxy)
			warn(audit, "protected_ports",
			     "%s has no rate limit: none of its attempts is ever dropped for its "
			     "rate; write %s:smtpd_client_connection_rate_limit = NUMBER, or leave "
			     "the port out",
			     service->label, service->label);
	}
}

static void check_table(const struct audit *audit)
{
	const unsigned bits = audit->config->ipv6_prefix_length;
	const unsigned extra = bits > IPV6_CUSTOMER ? bits - IPV6_CUSTOMER : 0;

	if (extra < 32 && (UINT64_C(1) << extra) < audit->config->source_table_size)
		return;
	warn(audit, "smtpd_client_ipv6_prefix_length",
	     "one /64 holds 2^%u sources of this length, enough to fill the source table (%u "
	     "entries) and push others out of it: 64 is safer",
	     extra, audit->config->source_table_size);
}

static void check_host(const struct audit *audit)
{
	const struct config_check_host *host = audit->host;
	const char *group = audit->config->control_group;

	for (size_t i = 0; i < audit->config->interface_count; i++) {
		if (!host->has_interface(host->context, audit->config->interfaces[i]))
			warn(audit, "interfaces",
			     "%s is not there now; it is attached as soon as it appears",
			     audit->config->interfaces[i]);
	}
	if (group[strspn(group, "0123456789")] != '\0' && !host->has_group(host->context, group))
		warn(audit, "control_group", "there is no group %s on this machine", group);
}

int config_check_on(const struct config *config, const struct config_check_host *host,
		    struct report *report)
{
	const size_t first = report->count;
	const size_t before = report->count + report->omitted;
	struct audit audit = {
		.config = config,
		.host = host,
		.report = report,
		.loader = { .config = (struct config *)config,
			    .report = report,
			    .errors_before = report->errors,
			    .expansion_left = CONFIG_EXPANDED_MAX },
		.words_left = AUDIT_WORDS_MAX,
	};
	int (*const parts[])(struct audit *) = { audit_sizes, audit_postfix, audit_policy,
						 audit_milter };
	int r = 0;

	check_mode(&audit);
	check_limits(&audit);
	audit_lists(&audit);
	check_table(&audit);
	check_host(&audit);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && r == 0; i++)
		r = parts[i](&audit);
	report_sort(report, first, config->file);
	report_unique(report, first);
	return r < 0 ? r : (int)(report->count + report->omitted - before);
}

static int free_bytes(void *context, const char *path, uint64_t *ret_bytes)
{
	struct statvfs status;

	(void)context;
	if (statvfs(path, &status) < 0)
		return -errno;
	*ret_bytes = (uint64_t)status.f_bavail * status.f_frsize;
	return 0;
}

static bool has_interface(void *context, const char *name)
{
	(void)context;
	return if_nametoindex(name) != 0;
}

static bool has_group(void *context, const char *name)
{
	(void)context;
	return getgrnam(name) != NULL;
}

int config_check(const struct config *config, struct report *report)
{
	static const struct config_check_host here = { free_bytes, has_interface, has_group, NULL };

	return config_check_on(config, &here, report);
}
