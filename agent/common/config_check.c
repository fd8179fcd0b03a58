/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each function looks at one thing and warns at the line that would have to change.
 */
#include "config_check.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <string.h>

#include "config_internal.h"

/* Longer prefixes may well be one operator's own networks. */
#define WIDE_IPV4 (96 + 8)
#define WIDE_IPV6 31

/* What one customer of a provider has at least. */
#define IPV6_CUSTOMER 64

struct audit {
	const struct config *config;
	struct report *report;
};

static const struct config_setting *setting_of(const struct audit *audit, const char *name)
{
	const struct config_parameter *parameter = config_parameter_find(name, strlen(name));

	return &audit->config->values->settings[parameter - config_parameters];
}

#define warn_at(audit, origin, parameter, ...)                                              \
	report_add((audit)->report, REPORT_WARNING,                                         \
		   (origin)->file ? (origin)->file : (audit)->config->file, (origin)->line, \
		   (parameter), __VA_ARGS__)

#define warn(audit, name, ...) \
	warn_at((audit), &setting_of((audit), (name))->origin, (name), __VA_ARGS__)

static bool prefix_is(const struct prefix *prefix, const char *text)
{
	struct prefix other;

	return prefix_parse(text, strlen(text), PREFIX_ANY, &other) == PREFIX_OK &&
	       prefix_equal(prefix, &other);
}

static bool prefix_within(const struct prefix *prefix, const char *text)
{
	struct prefix other;

	return prefix_parse(text, strlen(text), PREFIX_ANY, &other) == PREFIX_OK &&
	       prefix_covers(&other, prefix);
}

static bool is_loopback(const struct prefix *prefix)
{
	return prefix_within(prefix, "127.0.0.0/8") || prefix_within(prefix, "::1");
}

static void check_mode(const struct audit *audit)
{
	if (!audit->config->enforce)
		warn(audit, "enforcement",
		     "monitor: attempts are counted and reported, nothing is dropped");
}

static void check_limits(const struct audit *audit)
{
	for (size_t i = 0; i < audit->config->service_count; i++) {
		if (audit->config->services[i].connection_rate_limit > 0)
			return;
	}
	warn(audit, "smtpd_client_connection_rate_limit",
	     "0 for every service: attempts are counted, none is ever dropped for its rate");
}

/* The parameter that holds a pattern; one of an included file counts for the list that it ends up
 * in. */
static const char *holder(const struct audit *audit, const struct config_origin *origin)
{
	const struct config_origin *networks = &setting_of(audit, "mynetworks")->origin;

	return origin->file == networks->file && origin->line == networks->line
		       ? "mynetworks"
		       : "smtpd_client_event_limit_exceptions";
}

static void check_width(const struct audit *audit)
{
	const struct config_patterns *patterns = &audit->config->exceptions;

	for (size_t i = 0; i < patterns->count; i++) {
		const struct config_pattern *pattern = &patterns->items[i];
		const struct prefix *prefix = &pattern->prefix;
		char text[PREFIX_TEXT_SIZE];

		if (!pattern->is_prefix || pattern->negated || is_loopback(prefix))
			continue;
		prefix_format(prefix, text);
		if (prefix_is(prefix, "0.0.0.0/0") || prefix_is(prefix, "::/0"))
			warn_at(audit, &pattern->origin, holder(audit, &pattern->origin),
				"%s exempts every %s client: nothing is limited for them", text,
				prefix_is_ipv4(prefix) ? "IPv4" : "IPv6");
		else if (prefix->length <= (prefix_is_ipv4(prefix) ? WIDE_IPV4 : WIDE_IPV6))
			warn_at(audit, &pattern->origin, holder(audit, &pattern->origin),
				"%s is a very wide exception: none of its addresses is ever "
				"limited",
				text);
	}
}

static void check_reach(const struct audit *audit)
{
	const struct config_patterns *patterns = &audit->config->exceptions;

	if (!setting_of(audit, "mynetworks")->raw &&
	    !setting_of(audit, "smtpd_client_event_limit_exceptions")->raw)
		warn(audit, "mynetworks",
		     "not set: only loopback is trusted; unlike Postfix, networks are never taken "
		     "from the interfaces");
	for (size_t i = 0; i < patterns->count; i++) {
		if (patterns->items[i].is_prefix && !patterns->items[i].negated &&
		    !is_loopback(&patterns->items[i].prefix))
			return;
	}
	if (audit->config->enforce)
		warn(audit, "smtpd_client_event_limit_exceptions",
		     "no address beyond loopback is exempt: whoever forges SYNs in a sender's name "
		     "can keep that "
		     "sender out for a time unit, and again in the next; list the senders that "
		     "must get through");
}

static void check_table(const struct audit *audit)
{
	const unsigned bits = audit->config->ipv6_prefix_length;
	const unsigned extra = bits > IPV6_CUSTOMER ? bits - IPV6_CUSTOMER : 0;

	if (extra < 32 && (UINT64_C(1) << extra) < audit->config->source_table_size)
		return;
	warn(audit, "smtpd_client_ipv6_prefix_length",
	     "one /64 holds 2^%u sources of this length, enough to fill the source table (%u "
	     "entries) and push others "
	     "out of it: 64 is safer",
	     extra, audit->config->source_table_size);
}

static void check_host(const struct audit *audit)
{
	const char *group = audit->config->control_group;

	for (size_t i = 0; i < audit->config->interface_count; i++) {
		if (if_nametoindex(audit->config->interfaces[i]) == 0)
			warn(audit, "interfaces",
			     "%s is not there now; it is attached as soon as it appears",
			     audit->config->interfaces[i]);
	}
	if (group[strspn(group, "0123456789")] != '\0' && !getgrnam(group))
		warn(audit, "control_group", "there is no group %s on this machine", group);
}

int config_check(const struct config *config, struct report *report)
{
	const struct audit audit = { config, report };
	const size_t before = report->count + report->omitted;

	check_mode(&audit);
	check_limits(&audit);
	check_width(&audit);
	check_reach(&audit);
	check_table(&audit);
	check_host(&audit);
	return (int)(report->count + report->omitted - before);
}
