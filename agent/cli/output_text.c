/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text renderer: lists and tables. An empty list says so in words.
 */
#include "output_text.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "output.h"
#include "text_form.h"
#include "text_table.h"
#include "text_value.h"

int text_written(FILE *stream)
{
	return ferror(stream) ? -EIO : 0;
}

const json_t *text_items_or_say(FILE *stream, const json_t *result, const char *key,
				const char *sentence)
{
	const json_t *items = json_object_get(result, key);

	if (json_array_size(items))
		return items;
	(void)fprintf(stream, "%s\n", sentence);
	return NULL;
}

int text_sources(FILE *stream, const json_t *result, int width)
{
	static const struct text_column columns[] = {
		{ "PREFIX", false }, { "SERVICE", false },    { "ATTEMPTS", true },
		{ "DROPPED", true }, { "CONNECTIONS", true }, { NULL, false },
	};
	_cleanup_(text_table_done) struct text_table table;
	const json_t *sources =
		text_items_or_say(stream, result, "sources", "no sources are tracked");
	char number[VALUE_TEXT_SIZE];
	size_t index;
	json_t *row;

	text_table_init(&table, columns);
	text_table_fit(&table, 1, width);
	json_array_foreach(sources, index, row)
	{
		text_table_add(&table, "%s", value_string(row, "prefix"));
		text_table_add(&table, "%s", value_string(row, "service"));
		text_table_add(&table, "%s", value_number(row, "attempts", number));
		text_table_add(&table, "%s", value_number(row, "dropped", number));
		text_table_add(&table, "%s", value_number(row, "connections", number));
	}
	return sources ? text_table_print(&table, stream, 0) : text_written(stream);
}

static int text_top(FILE *stream, const json_t *result)
{
	char age[VALUE_TEXT_SIZE];

	(void)fprintf(stream, "%s\n\n", value_age(result, "age_seconds", age));
	return text_sources(stream, result, 0);
}

static int text_exceptions(FILE *stream, const json_t *result)
{
	static const struct text_column columns[] = {
		{ "PREFIX", false }, { "EXEMPT", false }, { "ORIGIN", false }, { NULL, false }
	};
	_cleanup_(text_table_done) struct text_table table;
	const json_t *items = text_items_or_say(stream, result, "exceptions", "no exceptions");
	size_t index;
	json_t *row;

	text_table_init(&table, columns);
	json_array_foreach(items, index, row)
	{
		text_table_add(&table, "%s", value_string(row, "prefix"));
		text_table_add(&table, "%s", value_yes_no(row, "exempt"));
		if (json_is_string(json_object_get(row, "file")))
			text_table_add(&table, "%s:%" JSON_INTEGER_FORMAT,
				       value_string(row, "file"), value_integer(row, "line"));
		else
			text_table_add(&table, "%s", value_string(row, "origin"));
	}
	return items ? text_table_print(&table, stream, 0) : text_written(stream);
}

static int text_blocks(FILE *stream, const json_t *result)
{
	static const struct text_column columns[] = {
		{ "PREFIX", false }, { "ENDS IN", false }, { "ORIGIN", false }, { NULL, false }
	};
	_cleanup_(text_table_done) struct text_table table;
	const json_t *items = text_items_or_say(stream, result, "blocks", "no blocks");
	char remaining[VALUE_TEXT_SIZE];
	size_t index;
	json_t *row;

	text_table_init(&table, columns);
	json_array_foreach(items, index, row)
	{
		text_table_add(&table, "%s", value_string(row, "prefix"));
		text_table_add(&table, "%s",
			       value_duration(row, "remaining_seconds", "when deleted", remaining));
		text_table_add(&table, "%s", value_string(row, "origin"));
	}
	return items ? text_table_print(&table, stream, 0) : text_written(stream);
}

/* A block has neither count nor limit. */
static const char *event_count(const json_t *event, char text[static 2 * VALUE_TEXT_SIZE])
{
	char count[VALUE_TEXT_SIZE];
	char limit[VALUE_TEXT_SIZE];

	if (!value_integer(event, "count"))
		return "-";
	(void)snprintf(text, 2UL * VALUE_TEXT_SIZE, "%s/%s", value_number(event, "count", count),
		       value_number(event, "limit", limit));
	return text;
}

static int text_events(FILE *stream, const json_t *result)
{
	static const struct text_column columns[] = {
		{ "TIME", false },   { "ADDRESS", false },    { "SERVICE", false },
		{ "REASON", false }, { "COUNT/LIMIT", true }, { NULL, false },
	};
	_cleanup_(text_table_done) struct text_table table;
	const json_t *events = text_items_or_say(stream, result, "events", "no events");
	char time[VALUE_TEXT_SIZE];
	char count[2 * VALUE_TEXT_SIZE];
	size_t index;
	json_t *event;

	text_table_init(&table, columns);
	json_array_foreach(events, index, event)
	{
		text_table_add(&table, "%s", value_time(event, "time", time));
		text_table_add(&table, "%s", value_string(event, "address"));
		text_table_add(&table, "%s", value_string(event, "service"));
		text_table_add(&table, "%s", value_string(event, "reason"));
		text_table_add(&table, "%s", event_count(event, count));
	}
	return events ? text_table_print(&table, stream, 0) : text_written(stream);
}

/* What comes later cannot be measured first: columns as wide as IPv4 needs them, longer ones just
 * push on. */
static int text_event(FILE *stream, const json_t *event)
{
	_cleanup_free_ char *address = text_escape(value_string(event, "address"));
	_cleanup_free_ char *service = text_escape(value_string(event, "service"));
	_cleanup_free_ char *reason = text_escape(value_string(event, "reason"));
	char buffer[VALUE_TEXT_SIZE];
	char count[2 * VALUE_TEXT_SIZE];
	_cleanup_free_ char *time = text_escape(value_time(event, "time", buffer));

	if (!address || !service || !reason || !time)
		return -ENOMEM;
	(void)fprintf(stream, "%-25s  %-15s  %-7s  %-11s  %9s\n", time, address, service, reason,
		      event_count(event, count));
	return text_written(stream);
}

const struct output output_text = {
	.status = text_status,
	.top = text_top,
	.show = text_show,
	.exceptions = text_exceptions,
	.blocks = text_blocks,
	.events = text_events,
	.event = text_event,
	.config = text_config,
	.check = text_check,
	.advise = text_advise,
	.version = text_version,
	.done = text_done,
};
