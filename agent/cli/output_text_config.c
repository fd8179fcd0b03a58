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
