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

#define XCLIENT_HOSTS "smtpd_authorized_xclient_hosts"

/* Negated patterns of one list: what is taken away is taken away bit by bit. */
#define HOLES_MAX 64

static int pattern_add(struct config_patterns *list, const struct config_pattern *pattern)
{
	const size_t count = list->count;
	struct config_pattern *grown;

	if (count >= SA_PREFIXES_MAX)
		return -E2BIG;
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

/* What the negated patterns so far leave out. */
struct holes {
	struct prefix items[HOLES_MAX];
	size_t count;
};

static enum overlap taken_away(const struct holes *holes, const struct prefix *prefix)
{
	enum overlap overlap = APART;

	for (size_t i = 0; i < holes->count; i++) {
		if (prefix_covers(&holes->items[i], prefix))
			return WHOLLY;
		if (prefix_covers(prefix, &holes->items[i]))
			overlap = PARTLY;
	}
	return overlap;
}

/* What is left of pattern: whole, or halved until no half is left in part. At most 128 halves for
 * each hole. */
static int emit(struct config_patterns *list, const struct holes *holes,
		const struct config_pattern *pattern)
{
	const enum overlap overlap = taken_away(holes, &pattern->prefix);
	struct config_pattern half = *pattern;
	int r;

	if (overlap != PARTLY)
		return overlap == WHOLLY ? 0 : pattern_add(list, pattern);
	half.prefix.length++;
	r = emit(list, holes, &half);
	half.prefix.address[pattern->prefix.length / 8] |=
		(uint8_t)(0x80 >> (pattern->prefix.length % 8));
	return r == 0 ? emit(list, holes, &half) : r;
}

/* Appends the addresses that patterns name; -E2BIG if that is too much. */
static int select_positive(struct config_patterns *list, const struct config_patterns *patterns)
{
	struct holes holes = { .count = 0 };
	int r = 0;

	for (size_t i = 0; i < patterns->count && r == 0; i++) {
		const struct config_pattern *pattern = &patterns->items[i];

		if (!pattern->negated && pattern->is_prefix)
			r = emit(list, &holes, pattern);
		else if (!pattern->negated)
			r = pattern_add(list, pattern);
		else if (pattern->is_prefix && holes.count == HOLES_MAX)
			r = -E2BIG;
		else if (pattern->is_prefix)
			holes.items[holes.count++] = pattern->prefix;
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
	r = config_scope_value(loader, scope, XCLIENT_HOSTS, &setting);
	if (r == 0 && setting->value.size > 0)
		r = config_list_parse(loader, setting, &patterns);
	if (r == 0)
		r = select_positive(list, &patterns);
	if (r == -E2BIG)
		config_error(loader, &setting->origin, XCLIENT_HOSTS,
			     "more than %d patterns with \"!\", or more than %d in all", HOLES_MAX,
			     SA_PREFIXES_MAX);
	config_patterns_done(&patterns);
	config_scope_free(scope);
	return r == -ENOMEM ? r : 0;
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
	if (!has_option(row->smtpd, XCLIENT_HOSTS))
		return 0;
	config_warning(loader, &row->smtpd->origin, XCLIENT_HOSTS,
		       "these hosts are exempt at every protected port, not at this service alone");
	return collect(loader, row->instance, row->smtpd, list);
}

/* Puts the list before the exceptions, which it takes over. */
static int prepend(struct config_loader *loader, struct config_patterns *list)
{
	struct config_patterns *exceptions = &loader->config->exceptions;
	const struct config_patterns after = *exceptions;
	int r = 0;

	*exceptions = *list;
	for (size_t i = 0; i < after.count && r == 0; i++)
		r = pattern_add(exceptions, &after.items[i]);
	if (r == -E2BIG)
		report_add(loader->report, REPORT_ERROR, loader->config->file, 0, XCLIENT_HOSTS,
			   "more than %d patterns together with "
			   "smtpd_client_event_limit_exceptions",
			   SA_PREFIXES_MAX);
	config_patterns_done(&(struct config_patterns){ after.items, after.count });
	return r == -ENOMEM ? r : 0;
}

int config_postfix_exempt(struct config_loader *loader)
{
	const struct postfix *postfix = loader->config->values->postfix;
	struct config_patterns list = { 0 };
	int r = 0;

	for (size_t i = 0; postfix && i < postfix->count && r == 0; i++)
		r = collect(loader, &postfix->instances[i], NULL, &list);
	for (size_t i = 0; postfix && i < loader->config->service_count && r == 0; i++)
		r = collect_row(loader, &postfix->rows[i], &list);
	if (r == 0 && list.count > 0)
		return prepend(loader, &list);
	config_patterns_done(&list);
	return r;
}
