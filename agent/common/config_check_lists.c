/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is exempt: far too many, all of private space, or nobody.
 */
#include <string.h>

#include "config_audit.h"

/* Longer prefixes may well be one operator's own networks. */
#define WIDE_IPV4 (96 + 8)
#define WIDE_IPV6 31

/* What anybody may use for anything. */
static const char *const private_space[] = {
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fd00::/8",
};

static bool parse(const char *text, struct prefix *ret_prefix)
{
	return prefix_parse(text, strlen(text), PREFIX_ANY, ret_prefix) == PREFIX_OK;
}

static bool prefix_is(const struct prefix *prefix, const char *text)
{
	struct prefix other;

	return parse(text, &other) && prefix_equal(prefix, &other);
}

static bool is_loopback(const struct prefix *prefix)
{
	struct prefix loopback;

	return (parse("127.0.0.0/8", &loopback) && prefix_covers(&loopback, prefix)) ||
	       (parse("::1", &loopback) && prefix_covers(&loopback, prefix));
}

/* The private block that prefix has all of, or NULL. */
static const char *whole_block(const struct prefix *prefix)
{
	for (size_t i = 0; i < sizeof(private_space) / sizeof(private_space[0]); i++) {
		if (prefix_is(prefix, private_space[i]))
			return private_space[i];
	}
	return NULL;
}

/* The parameter of main.cf in this line, or NULL. */
static const char *parameter_at(const struct postfix_instance *instance,
				const struct config_origin *origin)
{
	for (size_t i = 0; i < instance->parameters.count; i++) {
		const struct postfix_assignment *item = &instance->parameters.items[i];

		if (item->origin.file == origin->file && item->origin.line == origin->line)
			return item->name;
	}
	return NULL;
}

/* The parameter that holds a pattern; one of an included file counts for the list that it ends up
 * in. */
static const char *holder(const struct audit *audit, const struct config_origin *origin)
{
	const struct config_origin *networks = &audit_setting(audit, "mynetworks")->origin;
	const struct postfix *postfix = audit->config->values->postfix;

	for (size_t i = 0; postfix && i < postfix->count; i++) {
		const char *name = parameter_at(&postfix->instances[i], origin);

		if (name)
			return name;
	}
	return origin->file == networks->file && origin->line == networks->line
		       ? "mynetworks"
		       : "smtpd_client_event_limit_exceptions";
}

static void check_width(const struct audit *audit, const struct config_pattern *pattern)
{
	const struct prefix *prefix = &pattern->prefix;
	const char *block = whole_block(prefix);
	const bool everything = prefix_is(prefix, "0.0.0.0/0") || prefix_is(prefix, "::/0");
	const char *name;
	char text[PREFIX_TEXT_SIZE];

	if (!everything && !block &&
	    prefix->length > (prefix_is_ipv4(prefix) ? WIDE_IPV4 : WIDE_IPV6))
		return;
	name = holder(audit, &pattern->origin);
	prefix_format(prefix, text);
	if (everything)
		warn_at(audit, &pattern->origin, name,
			"%s exempts every %s client: nothing is limited for them; name the "
			"networks "
			"that you trust",
			text, prefix_is_ipv4(prefix) ? "IPv4" : "IPv6");
	else if (block)
		warn_at(audit, &pattern->origin, name,
			"%s is all of a private block: every host that reaches the port from there "
			"is exempt; name the networks that are yours",
			block);
	else
		warn_at(audit, &pattern->origin, name,
			"%s is a very wide exception: none of its addresses is ever limited; name "
			"the networks that you trust",
			text);
}

/* Whether somebody beyond this machine is exempt. */
static bool anybody(const struct config_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		if (patterns->items[i].is_prefix && !patterns->items[i].negated &&
		    !is_loopback(&patterns->items[i].prefix))
			return true;
	}
	return false;
}

static bool file_sets(const struct audit *audit, const char *name)
{
	const enum config_origin_kind kind = audit_setting(audit, name)->origin.kind;

	return kind == CONFIG_FROM_FILE || kind == CONFIG_FROM_MAIN_CF;
}

static void check_networks(const struct audit *audit)
{
	const struct postfix *postfix = audit->config->values->postfix;
	const struct config_setting *networks = audit_setting(audit, "mynetworks");
	const struct config_origin nowhere = { 0 };
	const struct config_origin in_postfix = { CONFIG_FROM_MAIN_CF, 0,
						  postfix ? postfix->instances[0].main_cf : NULL };

	if (file_sets(audit, "mynetworks") ||
	    file_sets(audit, "smtpd_client_event_limit_exceptions"))
		return;
	if (postfix)
		warn_at(audit, &in_postfix, "mynetworks",
			"not set: Postfix takes them from the interfaces, synanvil never does and "
			"exempts %s; write what `postconf -c %s mynetworks` prints",
			networks->value.data, postfix->instances[0].directory);
	else
		warn_at(audit, &nowhere, "mynetworks",
			"not set: only loopback is trusted; unlike Postfix, networks are never "
			"taken "
			"from the interfaces; write mynetworks = 127.0.0.0/8, [::1]/128 and your "
			"own");
}

void audit_lists(const struct audit *audit)
{
	const struct config_patterns *patterns = &audit->config->exceptions;

	/* What is not shown need not be looked for. */
	for (size_t i = 0; i < patterns->count && audit->report->omitted == 0; i++) {
		const struct config_pattern *pattern = &patterns->items[i];

		if (pattern->is_prefix && !pattern->negated && !is_loopback(&pattern->prefix))
			check_width(audit, pattern);
	}
	check_networks(audit);
	if (audit->config->enforce && !anybody(patterns))
		warn(audit, "smtpd_client_event_limit_exceptions",
		     "no address beyond loopback is exempt: whoever forges SYNs in a sender's name "
		     "can keep that sender out for a time unit, and again in the next; list the "
		     "senders that must get through, for example $mynetworks, "
		     "cidr:/var/lib/synanvil-spf/big-senders.cidr");
}
