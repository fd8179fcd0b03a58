/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One item after the other, from where the last part ended.
 */
#include "listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "control_protocol.h"
#include "events.h"
#include "state.h"

/* 5 us each: a third of a millisecond. */
#define PART_ITEMS 64

static const char *const names[] = {
	[LISTING_EVENTS] = "events",
	[LISTING_EXCEPTIONS] = "exceptions",
	[LISTING_BLOCKS] = "blocks",
};

static json_t *exception_json(const struct prefix *prefix, bool exempt, const char *origin)
{
	char text[PREFIX_TEXT_SIZE];

	prefix_format(prefix, text);
	return json_pack("{s:s, s:b, s:s}", "prefix", text, "exempt", exempt, "origin", origin);
}

static json_t *configured_json(const struct config_pattern *pattern)
{
	json_t *one = exception_json(&pattern->prefix, !pattern->negated, "config");

	if (pattern->origin.file) {
		(void)json_object_set_new(one, "file", json_string(pattern->origin.file));
		(void)json_object_set_new(one, "line", json_integer(pattern->origin.line));
	}
	return one;
}

static json_t *block_json(const struct block_rule *rule, struct wall_ms now)
{
	char text[PREFIX_TEXT_SIZE];
	json_t *remaining;

	/* Rounded up: a block in force never has 0 seconds left. */
	remaining = rule->ends_ms == INT64_MAX
			    ? json_null()
			    : json_integer((rule->ends_ms - now.ms + 999) / 1000);
	prefix_format(&rule->prefix, text);
	return json_pack("{s:s, s:s, s:o}", "prefix", text, "origin",
			 rule->by_policy ? "policy" : "runtime", "remaining_seconds", remaining);
}

/* The next event that is wanted, before the one numbered end; NULL if there is none. */
static const struct history_record *event_next(struct listing *listing,
					       const struct history *history, uint64_t end)
{
	const uint64_t oldest = history->added - history->count;

	if (listing->next < oldest)
		listing->next = oldest;
	while (listing->next < end) {
		const struct history_record *record =
			history_get(history, (size_t)(listing->next++ - oldest));

		if (history_matches(&listing->filter, record))
			return record;
	}
	return NULL;
}

static const struct block_rule *rule_next(struct listing *listing, const struct rule_set *rules,
					  struct wall_ms now)
{
	size_t index = listing->any ? rule_set_beyond(rules, &listing->last) : 0;

	while (index < rules->count && rules->items[index].ends_ms <= now.ms)
		index++;
	if (index >= rules->count)
		return NULL;
	listing->last = rules->items[index].prefix;
	listing->any = true;
	return &rules->items[index];
}

/* 1 and an item, NULL without memory; 0: there is none in this phase. */
static int runtime_next(struct listing *listing, const struct daemon *daemon, json_t **ret_item)
{
	const struct wall_ms now = wall_now();
	const struct history_record *record;
	const struct block_rule *rule;

	if (listing->kind == LISTING_EVENTS) {
		record = event_next(listing, events_history(daemon->events), listing->end);
		*ret_item = record ? history_json(record) : NULL;
		return record != NULL;
	}
	if (listing->kind == LISTING_BLOCKS) {
		rule = rule_next(listing, state_blocks(daemon->state), now);
		*ret_item = rule ? block_json(rule, now) : NULL;
	} else {
		rule = rule_next(listing, state_exceptions(daemon->state), now);
		*ret_item = rule ? exception_json(&rule->prefix, true, "runtime") : NULL;
	}
	return rule != NULL;
}

/* The same; -ESTALE: there was a reload. */
static int configured_next(struct listing *listing, const struct daemon *daemon, json_t **ret_item)
{
	const struct config_patterns *patterns = &daemon->config->exceptions;

	if (listing->kind != LISTING_EXCEPTIONS)
		return 0;
	if (!listing->config) {
		listing->config = daemon->config;
		listing->configured = daemon->reload_succeeded;
	}
	if (listing->config != daemon->config ||
	    listing->configured.ms != daemon->reload_succeeded.ms)
		return -ESTALE;
	while (listing->pattern < patterns->count) {
		const struct config_pattern *pattern = &patterns->items[listing->pattern++];

		if (!pattern->is_prefix)
			continue;
		*ret_item = configured_json(pattern);
		return 1;
	}
	return 0;
}

/* Takes item. */
static int print_item(const char *before, json_t *item, const char *after, FILE *stream)
{
	const int failed = !item || fputs(before, stream) < 0 ||
			   json_dumpf(item, stream, JSON_COMPACT) || fputs(after, stream) < 0;

	json_decref(item);
	return failed ? -ENOMEM : 1;
}

static int items_step(struct listing *listing, const struct daemon *daemon, FILE *stream)
{
	const bool runtime = listing->phase == LISTING_RUNTIME;
	json_t *item = NULL;
	const int found = runtime ? runtime_next(listing, daemon, &item)
				  : configured_next(listing, daemon, &item);

	if (found > 0) {
		const char *before = listing->comma ? "," : "";

		listing->comma = true;
		return print_item(before, item, "", stream);
	}
	if (found < 0) {
		(void)fputs(CONTROL_LIST_BROKEN("the configuration was reloaded meanwhile; ask "
						"again"),
			    stream);
		return 0;
	}
	if (runtime) {
		listing->phase = LISTING_CONFIGURED;
		return 1;
	}
	(void)fputs(CONTROL_LIST_END, stream);
	listing->phase = LISTING_LINES;
	return listing->follow;
}

static int lines_step(struct listing *listing, const struct daemon *daemon, FILE *stream)
{
	const struct history *history = events_history(daemon->events);
	const struct history_record *record = event_next(listing, history, history->added);

	return record ? print_item("", history_json(record), "\n", stream) : 0;
}

static int step(struct listing *listing, const struct daemon *daemon, FILE *stream)
{
	switch (listing->phase) {
	case LISTING_BEGINS:
		if (listing->kind == LISTING_EVENTS)
			listing->end = events_history(daemon->events)->added;
		(void)fprintf(stream, CONTROL_LIST_BEGIN, CONTROL_PROTOCOL_VERSION,
			      names[listing->kind]);
		listing->phase = LISTING_RUNTIME;
		return 1;
	case LISTING_RUNTIME:
	case LISTING_CONFIGURED:
		return items_step(listing, daemon, stream);
	case LISTING_LINES:
		return lines_step(listing, daemon, stream);
	}
	return 0;
}

int listing_part(struct listing *listing, const struct daemon *daemon, char **ret_text,
		 size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	FILE *stream = open_memstream(&text, ret_size);
	int more = 1;

	if (!stream)
		return -ENOMEM;
	for (unsigned i = 0; i < PART_ITEMS && more > 0; i++)
		more = step(listing, daemon, stream);
	if (fclose(stream))
		more = -ENOMEM;
	if (more >= 0)
		*ret_text = TAKE_PTR(text);
	return more;
}
