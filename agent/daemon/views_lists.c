/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lists: exceptions, blocks, events, parameters.
 */
#include <errno.h>

#include "events.h"
#include "state.h"
#include "views.h"

/* Takes list. */
static int list_object(const char *name, json_t *list, json_t **ret_object)
{
	*ret_object = json_pack("{s:o}", name, list);
	return *ret_object ? 0 : -ENOMEM;
}

size_t view_exception_count(const struct daemon *daemon)
{
	const struct config_patterns *patterns = &daemon->config->exceptions;
	size_t count = state_exceptions(daemon->state)->count;

	for (size_t i = 0; i < patterns->count; i++)
		count += patterns->items[i].is_prefix;
	return count;
}

size_t view_block_count(const struct daemon *daemon)
{
	const struct rule_set *blocks = state_blocks(daemon->state);

	return blocks->count - rule_set_ended(blocks, wall_now().ms);
}

static json_t *exception_json(const struct prefix *prefix, bool exempt, const char *origin)
{
	char text[PREFIX_TEXT_SIZE];

	prefix_format(prefix, text);
	return json_pack("{s:s, s:b, s:s}", "prefix", text, "exempt", exempt, "origin", origin);
}

/* In the order in which they are looked at: those added at run time win over the configured list.
 */
int view_exceptions(const struct daemon *daemon, json_t **ret_object)
{
	const struct rule_set *added = state_exceptions(daemon->state);
	const struct config_patterns *patterns = &daemon->config->exceptions;
	json_t *list = json_array(), *one;

	for (size_t i = 0; i < added->count; i++)
		(void)json_array_append_new(
			list, exception_json(&added->items[i].prefix, true, "runtime"));
	for (size_t i = 0; i < patterns->count; i++) {
		const struct config_pattern *pattern = &patterns->items[i];

		if (!pattern->is_prefix)
			continue;
		one = exception_json(&pattern->prefix, !pattern->negated, "config");
		if (pattern->origin.file) {
			(void)json_object_set_new(one, "file", json_string(pattern->origin.file));
			(void)json_object_set_new(one, "line", json_integer(pattern->origin.line));
		}
		(void)json_array_append_new(list, one);
	}
	return list_object("exceptions", list, ret_object);
}

int view_blocks(const struct daemon *daemon, json_t **ret_object)
{
	const struct rule_set *blocks = state_blocks(daemon->state);
	const struct wall_ms now = wall_now();
	json_t *list = json_array();

	for (size_t i = 0; i < blocks->count; i++) {
		const struct block_rule *rule = &blocks->items[i];
		char text[PREFIX_TEXT_SIZE];
		json_t *remaining;

		if (rule->ends_ms <= now.ms)
			continue;
		/* Rounded up: a block in force never has 0 seconds left. */
		remaining = rule->ends_ms == INT64_MAX
				    ? json_null()
				    : json_integer((rule->ends_ms - now.ms + 999) / 1000);
		prefix_format(&rule->prefix, text);
		(void)json_array_append_new(list,
					    json_pack("{s:s, s:s, s:o}", "prefix", text, "origin",
						      rule->by_policy ? "policy" : "runtime",
						      "remaining_seconds", remaining));
	}
	return list_object("blocks", list, ret_object);
}

int view_events(const struct daemon *daemon, const struct history_filter *filter,
		json_t **ret_object)
{
	const struct history *history = events_history(daemon->events);
	json_t *list = json_array();

	for (size_t i = 0; i < history->count; i++) {
		const struct history_record *record = history_get(history, i);

		if (history_matches(filter, record))
			(void)json_array_append_new(list, history_json(record));
	}
	return list_object("events", list, ret_object);
}

struct parameters {
	json_t *list;
	bool changed_only;
};

static json_t *origin_json(const struct config_origin *origin)
{
	static const char *const kinds[] = {
		[CONFIG_FROM_DEFAULT] = "default",
		[CONFIG_FROM_FILE] = "file",
		[CONFIG_FROM_MAIN_CF] = "main.cf",
		[CONFIG_FROM_MASTER_CF] = "master.cf",
	};
	json_t *file = origin->file ? json_string(origin->file) : json_null();
	json_t *line = origin->file ? json_integer(origin->line) : json_null();

	return json_pack("{s:s, s:o, s:o}", "kind", kinds[origin->kind], "file", file, "line",
			 line);
}

static int parameter_visit(const struct config_value *value, void *context)
{
	const struct parameters *parameters = context;

	if (parameters->changed_only && !value->changed)
		return 0;
	return json_array_append_new(
		parameters->list, json_pack("{s:s, s:s, s:o}", "name", value->name, "value",
					    value->value, "origin", origin_json(&value->origin)));
}

int view_config(const struct daemon *daemon, bool changed_only, json_t **ret_object)
{
	struct parameters parameters = { .list = json_array(), .changed_only = changed_only };

	if (config_each(daemon->config, parameter_visit, &parameters)) {
		json_decref(parameters.list);
		return -ENOMEM;
	}
	return list_object("parameters", parameters.list, ret_object);
}
