/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text renderer: what is about the configuration, and what was done.
 */
#include <errno.h>

#include "cleanup.h"
#include "output_text.h"
#include "report.h"
#include "text_form.h"
#include "text_table.h"
#include "text_value.h"

/* As a comment: what is printed is a configuration that can be read again. */
static void print_origin(FILE *stream, const json_t *origin)
{
	(void)fputs("# ", stream);
	if (json_is_string(json_object_get(origin, "file"))) {
		(void)text_write_escaped(stream, value_string(origin, "file"));
		(void)fprintf(stream, ":%" JSON_INTEGER_FORMAT, value_integer(origin, "line"));
	} else {
		(void)text_write_escaped(stream, value_string(origin, "kind"));
	}
	(void)fputc('\n', stream);
}

int text_config(FILE *stream, const json_t *result)
{
	size_t index;
	json_t *row;

	json_array_foreach(json_object_get(result, "parameters"), index, row)
	{
		const char *value = value_string(row, "value");

		print_origin(stream, json_object_get(row, "origin"));
		(void)text_write_escaped(stream, value_string(row, "name"));
		(void)fputs(*value != '\0' ? " = " : " =", stream);
		(void)text_write_escaped(stream, value);
		(void)fputc('\n', stream);
	}
	return text_written(stream);
}

static void print_candidates(FILE *stream, const json_t *service, struct text_table *table)
{
	char number[VALUE_TEXT_SIZE];
	size_t index;
	json_t *row;

	(void)fputs("service ", stream);
	(void)text_write_escaped(stream, value_string(service, "service"));
	if (value_integer(service, "recommended_limit"))
		(void)fprintf(stream, ": recommended smtpd_client_connection_rate_limit %s\n",
			      value_number(service, "recommended_limit", number));
	else
		(void)fputs(": too little was counted to recommend a limit\n", stream);
	json_array_foreach(json_object_get(service, "candidates"), index, row)
	{
		text_table_add(table, "%s", value_number(row, "limit", number));
		text_table_add(table, "%s", value_number(row, "sources_over", number));
		text_table_add(table, "%s", value_number(row, "attempts_over", number));
		text_table_add(table, "%s", value_number(row, "delivering_sources_over", number));
	}
}

int text_advise(FILE *stream, const json_t *result)
{
	static const struct text_column columns[] = {
		{ "LIMIT", true },         { "SOURCES OVER", true },
		{ "ATTEMPTS OVER", true }, { "OF THESE DELIVERING", true },
		{ NULL, false },
	};
	const json_t *services = text_items_or_say(
		stream, result, "services", "no advice: this version does not compute it yet");
	size_t index;
	json_t *service;

	json_array_foreach(services, index, service)
	{
		_cleanup_(text_table_done) struct text_table table;
		int printed = 0;

		text_table_init(&table, columns);
		if (index)
			(void)fputc('\n', stream);
		print_candidates(stream, service, &table);
		if (table.count || table.failed)
			printed = text_table_print(&table, stream, 2);
		if (printed)
			return printed;
	}
	return text_written(stream);
}

static int print_entries(FILE *stream, const json_t *entries, enum report_severity severity)
{
	size_t index;
	json_t *row;

	json_array_foreach(entries, index, row)
	{
		/* the report only reads through these pointers */
		struct report_entry entry = {
			.severity = severity,
			.file = (char *)value_string(row, "file"),
			.line = (unsigned)value_integer(row, "line"),
			.parameter = (char *)json_string_value(json_object_get(row, "parameter")),
			.message = (char *)value_string(row, "message"),
		};
		_cleanup_free_ char *line = report_entry_format(&entry);

		if (!line)
			return -ENOMEM;
		(void)text_write_escaped(stream, line);
		(void)fputc('\n', stream);
	}
	return text_written(stream);
}

int text_check(FILE *stream, const json_t *result)
{
	int printed = print_entries(stream, json_object_get(result, "errors"), REPORT_ERROR);

	if (printed)
		return printed;
	return print_entries(stream, json_object_get(result, "warnings"), REPORT_WARNING);
}

int text_version(FILE *stream, const json_t *result)
{
	(void)fputs("synanvil ", stream);
	(void)text_write_escaped(stream, value_string(result, "version"));
	(void)fputc('\n', stream);
	return text_written(stream);
}

int text_done(FILE *stream, const json_t *result, const char *what, const json_t *items)
{
	size_t index;
	json_t *item;

	(void)result;
	if (!items)
		(void)fprintf(stream, "%s\n", what);
	json_array_foreach(items, index, item)
	{
		const char *text = json_string_value(item);

		(void)fprintf(stream, "%s: ", what);
		(void)text_write_escaped(stream, text ? text : "-");
		(void)fputc('\n', stream);
	}
	return text_written(stream);
}
