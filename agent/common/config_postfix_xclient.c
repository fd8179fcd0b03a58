/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smtpd_authorized_xclient_hosts. Postfix asks this list first and counts nothing of who is on it,
 * whatever smtpd_client_event_limit_exceptions says; who is not on it, be it by a "!", is looked
 * for there. So its addresses stand before the configured exceptions, and without its negated ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_postfix.h"

static int pattern_add(struct config_patterns *list, const struct config_pattern *pattern)
{
	const size_t count = list->count;
	struct config_pattern *grown;

	/* Room doubles at powers of two. */
	if ((count & (count - 1)) == 0) {
		grown = reallocarray(list->items, count == 0 ? 1 : 2 * count, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->items = grown;
	}
	list->items[list->count] = *pattern;
	if (pattern->host) {
		list->items[list->count].host = strdup(pattern->host);
		if (!list->items[list->count].host)
			return -ENOMEM;
	}
	list->count++;
	return 0;
}

enum overlap { APART, PARTLY, WHOLLY };

/* How much of prefix the negated patterns in front of it take away. */
static enum overlap taken_away(const struct config_patterns *patterns, size_t before,
			       const struct prefix *prefix)
{
	enum overlap overlap = APART;

	for (size_t i = 0; i < before; i++) {
		const struct config_pattern *pattern = &patterns->items[i];

		if (!pattern->negated || !pattern->is_prefix)
			continue;
		if (prefix_covers(&pattern->prefix, prefix))
			return WHOLLY;
		if (prefix_covers(prefix, &pattern->prefix))
			overlap = PARTLY;
	}
	return overlap;
}

/* What is left of pattern: whole, or halved until no half has both. At most 128 halves for each
 * negated pattern. */
static int emit(struct config_patterns *list, const struct config_patterns *patterns, size_t before,
		const struct config_pattern *pattern)
{
	const enum overlap overlap = taken_away(patterns, before, &pattern->prefix);
	struct config_pattern half = *pattern;
	int r;

	if (overlap != PARTLY)
		return overlap == WHOLLY ? 0 : pattern_add(list, pattern);
	half.prefix.length++;
	r = emit(list, patterns, before, &half);
	half.prefix.address[pattern->prefix.length / 8] |=
		(uint8_t)(0x80 >> (pattern->prefix.length % 8));
	return r == 0 ? emit(list, patterns, before, &half) : r;
}

static int select_positive(struct config_patterns *list, const struct config_patterns *patterns)
{
	int r = 0;

	for (size_t i = 0; i < patterns->count && r == 0; i++) {
		const struct config_pattern *pattern = &patterns->items[i];

		if (pattern->negated)
			continue;
		r = pattern->is_prefix ? emit(list, patterns, i, pattern)
				       : pattern_add(list, pattern);
	}
	return r;
}

/* The hosts that may use XCLIENT at one service, or at all of an instance. */
static int collect(struct config_loader *loader, const struct postfix_instance *instance,
		   const struct postfix_service *service, struct config_patterns *list)
{
	const struct config_setting *setting;
	struct config_patterns patterns = { 0 };
	struct config_scope *scope =
		config_scope_new(loader->config->values, SCOPE_POSTFIX, instance, service);
	int r;

	if (!scope)
		return -ENOMEM;
	r = config_scope_value(loader, scope, "smtpd_authorized_xclient_hosts", &setting);
	if (r == 0 && setting->value.size > 0)
		r = config_list_parse(loader, setting, &patterns);
	if (r == 0)
		r = select_positive(list, &patterns);
	config_patterns_done(&patterns);
	config_scope_free(scope);
	return r == -EINVAL ? 0 : r;
}

static bool has_option(const struct postfix_service *service, const char *name)
{
	for (size_t i = 0; service && i < service->options.count; i++) {
		if (strcmp(service->options.items[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The exceptions are for all ports, so an -o of one is worth a warning. */
static int collect_row(struct config_loader *loader, const struct postfix_row *row,
		       struct config_patterns *list)
{
	static const char name[] = "smtpd_authorized_xclient_hosts";

	if (!has_option(row->smtpd, name))
		return 0;
	config_warning(loader, &row->smtpd->origin, name,
		       "these hosts are exempt at every protected port, not at this service alone");
	return collect(loader, row->instance, row->smtpd, list);
}

int config_postfix_exempt(struct config_loader *loader)
{
	const struct postfix *postfix = loader->config->values->postfix;
	struct config_patterns *exceptions = &loader->config->exceptions;
	struct config_patterns list = { 0 };
	int r = 0;

	for (size_t i = 0; postfix && i < postfix->count && r == 0; i++)
		r = collect(loader, &postfix->instances[i], NULL, &list);
	for (size_t i = 0; postfix && i < loader->config->service_count && r == 0; i++)
		r = collect_row(loader, &postfix->rows[i], &list);
	if (list.count > 0) {
		for (size_t i = 0; i < exceptions->count && r == 0; i++)
			r = pattern_add(&list, &exceptions->items[i]);
		config_patterns_done(exceptions);
		*exceptions = list;
		return r;
	}
	config_patterns_done(&list);
	return r;
}
