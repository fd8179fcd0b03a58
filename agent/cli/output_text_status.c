/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `status` for a person: what runs, where, with which limits, and what became of the SYNs.
 */
#include <string.h>

#include "cleanup.h"
#include "output_text.h"
#include "text_form.h"
#include "text_table.h"
#include "text_value.h"

static void print_head(FILE *stream, const json_t *result)
{
	const char *enforcement = value_string(result, "enforcement");
	char uptime[VALUE_TEXT_SIZE];

	(void)fputs("synanvil ", stream);
	(void)text_write_escaped(stream, value_string(result, "version"));
	(void)fputs(", ", stream);
	if (strcmp(enforcement, "monitor") == 0)
		(void)fputs("monitor mode (drops nothing)", stream);
	else if (strcmp(enforcement, "enforce") == 0)
		(void)fputs("enforcing", stream);
	else
		(void)text_write_escaped(stream, enforcement);
	(void)fprintf(stream, ", up %s\n\n", value_duration(result, "uptime_seconds", "-", uptime));
}

static int print_interfaces(FILE *stream, const json_t *result)
{
	static const struct text_column columns[] = {
		{ "INTERFACE", false }, { "ATTACHED", false }, { "MODE", false }, { NULL, false }
	};
	_cleanup_(text_table_done) struct text_table table;
	size_t index;
	json_t *row;

	text_table_init(&table, columns);
	json_array_foreach(json_object_get(result, "interfaces"), index, row)
	{
		text_table_add(&table, "%s", value_string(row, "name"));
		text_table_add(&table, "%s", value_yes_no(row, "attached"));
		text_table_add(&table, "%s", value_string(row, "mode"));
	}
	return text_table_print(&table, stream, 0);
}

static int print_services(FILE *stream, const json_t *result)
{
	static const struct text_column columns[] = {
		{ "SERVICE", false },      { "RATE LIMIT", true }, { "CONNECTIONS", true },
		{ "PROCESS LIMIT", true }, { NULL, false },
	};
	_cleanup_(text_table_done) struct text_table table;
	char number[VALUE_TEXT_SIZE];
	size_t index;
	json_t *row;

	text_table_init(&table, columns);
	json_array_foreach(json_object_get(result, "services"), index, row)
	{
		text_table_add(&table, "%s", value_string(row, "service"));
		text_table_add(&table, "%s", value_limit(row, "connection_rate_limit", number));
		text_table_add(&table, "%s", value_number(row, "connections", number));
		text_table_add(&table, "%s", value_limit(row, "process_limit", number));
	}
	return text_table_print(&table, stream, 0);
}

static const char *const actions[] = { "pass", "drop", "would_drop" };

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static json_int_t action_total(const json_t *action)
{
	json_int_t total = 0;
	const char *reason;
	json_t *count;

	json_object_foreach((json_t *)action, reason, count)
	{
		(void)reason;
		total += json_integer_value(count);
	}
	return total;
}

static void add_reason(struct text_table *table, const json_t *packets, const char *reason)
{
	char number[VALUE_TEXT_SIZE];

	text_table_add(table, "%s", reason);
	for (size_t i = 0; i < ACTIONS; i++)
		text_table_add(table, "%s",
			       value_number(json_object_get(packets, actions[i]), reason, number));
}

/* Each reason once, in the order of the reply: those that pass, then those that drop. */
static int print_packets(FILE *stream, const json_t *result)
{
	static const struct text_column columns[] = {
		{ "SYN PACKETS", false }, { "PASS", true }, { "DROP", true },
		{ "WOULD DROP", true },   { NULL, false },
	};
	_cleanup_(text_table_done) struct text_table table;
	const json_t *packets = json_object_get(result, "syn_packets");
	const char *reason;
	json_t *count;

	text_table_init(&table, columns);
	for (size_t i = 0; i < ACTIONS; i++) {
		json_object_foreach(json_object_get(packets, actions[i]), reason, count)
		{
			size_t earlier = 0;

			(void)count;
			while (earlier < i &&
			       !json_object_get(json_object_get(packets, actions[earlier]), reason))
				earlier++;
			if (earlier == i)
				add_reason(&table, packets, reason);
		}
	}
	text_table_add(&table, "total");
	for (size_t i = 0; i < ACTIONS; i++)
		text_table_add(&table, "%" JSON_INTEGER_FORMAT,
			       action_total(json_object_get(packets, actions[i])));
	return text_table_print(&table, stream, 0);
}

static void print_tables(FILE *stream, const json_t *result)
{
	const json_t *sources = json_object_get(result, "sources");
	char tracked[VALUE_TEXT_SIZE];
	char capacity[VALUE_TEXT_SIZE];
	char age[VALUE_TEXT_SIZE];
	char exceptions[VALUE_TEXT_SIZE];
	char blocks[VALUE_TEXT_SIZE];

	(void)fprintf(stream, "sources     %s of %s, %s\n",
		      value_number(sources, "tracked", tracked),
		      value_number(sources, "capacity", capacity),
		      value_age(sources, "age_seconds", age));
	(void)fprintf(stream, "exceptions  %s\n", value_number(result, "exceptions", exceptions));
	(void)fprintf(stream, "blocks      %s\n", value_number(result, "blocks", blocks));
}

/* Nothing to say where no milter has ever reported. */
static void print_milter(FILE *stream, const json_t *result)
{
	const json_t *milter = json_object_get(result, "milter");
	const json_t *messages = json_object_get(milter, "messages");
	char text[VALUE_TEXT_SIZE];
	const char *action, *before = "milter      ";
	json_t *count;

	if (json_is_null(json_object_get(milter, "report_age_seconds")) &&
	    action_total(messages) == 0)
		return;
	json_object_foreach((json_t *)messages, action, count)
	{
		(void)count;
		(void)fputs(before, stream);
		(void)text_write_escaped(stream, action);
		(void)fprintf(stream, " %s", value_number(messages, action, text));
		before = ", ";
	}
	if (json_object_size(messages) > 0)
		(void)fprintf(stream, ", %s\n", value_age(milter, "report_age_seconds", text));
}

/* Where live connections are less than what the kernel counts. */
static void print_connections_source(FILE *stream, const json_t *result)
{
	const char *source = value_string(result, "connections_source");

	if (strcmp(source, "sock_diag") == 0)
		(void)fputs("live connections: listed once a second, since they cannot be counted "
			    "in the kernel (the log says why)\n",
			    stream);
	else if (strcmp(source, "off") == 0)
		(void)fputs("live connections: not counted, so limits on them do not hold (the "
			    "log says why)\n",
			    stream);
}

/* What the one who asked should know beside the numbers. */
static void print_notes(FILE *stream, const json_t *result)
{
	const json_t *configuration = json_object_get(result, "configuration");
	size_t index;
	json_t *row;

	print_connections_source(stream, result);
	json_array_foreach(json_object_get(configuration, "files"), index, row)
	{
		if (!json_is_true(json_object_get(row, "stale")))
			continue;
		(void)fputs("not in force: ", stream);
		(void)text_write_escaped(stream, value_string(row, "file"));
		(void)fputs(" has changed since it was read (synanvil reload)\n", stream);
	}
	json_array_foreach(json_object_get(result, "services"), index, row)
	{
		if (!json_is_true(json_object_get(row, "behind_proxy")))
			continue;
		(void)fputs("behind a proxy: ", stream);
		(void)text_write_escaped(stream, value_string(row, "service"));
		(void)fputs(", so Postfix' limits by address are off there\n", stream);
	}
}

int text_status(FILE *stream, const json_t *result)
{
	int (*const parts[])(FILE *, const json_t *) = { print_interfaces, print_services,
							 print_packets };

	print_head(stream, result);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int printed = parts[i](stream, result);

		if (printed)
			return printed;
		(void)fputc('\n', stream);
	}
	print_tables(stream, result);
	print_milter(stream, result);
	print_notes(stream, result);
	return text_written(stream);
}
