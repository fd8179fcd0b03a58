/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `advise` for a person: for each service what was seen, what to set, what several limits would
 * have stopped, and a histogram of the sources between them. Fits 80 columns.
 */
#include <stdint.h>
#include <string.h>

#include "cleanup.h"
#include "output_text.h"
#include "text_form.h"
#include "text_table.h"
#include "text_value.h"

/* One mark more for twice as many: the few that matter are seen beside the many. */
#define BAR_MAX 20

static const char *bar(uint64_t sources)
{
	static const char marks[] = "####################";
	size_t length = 0;

	_Static_assert(sizeof(marks) == BAR_MAX + 1, "as many marks as the longest bar has");
	for (; sources && length < BAR_MAX; sources /= 2)
		length++;
	return marks + BAR_MAX - length;
}

static void print_seen(FILE *stream, const json_t *advice, const char *what, const char *period)
{
	const char *from = value_string(advice, "recommended_from");
	char number[VALUE_TEXT_SIZE];
	char delivering[VALUE_TEXT_SIZE];

	(void)fprintf(stream, "  %s %s in the last %s; %s of them delivered mail\n",
		      value_number(advice, "sources", number), what, period,
		      value_number(advice, "delivering_sources", delivering));
	if (!value_integer(advice, "recommended_limit")) {
		(void)fputs("  too little was seen to recommend a limit\n", stream);
		return;
	}
	(void)fprintf(stream, "  recommended: smtpd_client_connection_rate_limit = %s\n",
		      value_number(advice, "recommended_limit", number));
	if (strcmp(from, "delivering") == 0)
		(void)fprintf(
			stream,
			"    twice the most attempts (%s) of any that delivered, rounded up\n",
			value_number(advice, "busiest_delivering", number));
	else
		(void)fputs(
			"    twice what 999 of 1000 kept to, rounded up; not known who delivers\n",
			stream);
}

/* The last column counts those that a limit would just let through, and the one before it not. */
static int print_candidates(FILE *stream, const json_t *advice)
{
	static const struct text_column columns[] = {
		{ "LIMIT", true },           { "SOURCES OVER", true }, { "ATTEMPTS OVER", true },
		{ "DELIVERING OVER", true }, { "UP TO LIMIT", false }, { NULL, false },
	};
	_cleanup_(text_table_done) struct text_table table;
	const json_t *candidates = json_object_get(advice, "candidates");
	uint64_t before = (uint64_t)value_integer(advice, "sources");
	char number[VALUE_TEXT_SIZE];
	size_t index;
	json_t *row;

	text_table_init(&table, columns);
	json_array_foreach(candidates, index, row)
	{
		const uint64_t over = (uint64_t)value_integer(row, "sources_over");

		text_table_add(&table, "%s", value_number(row, "limit", number));
		text_table_add(&table, "%s", value_number(row, "sources_over", number));
		text_table_add(&table, "%s", value_number(row, "attempts_over", number));
		text_table_add(&table, "%s", value_number(row, "delivering_sources_over", number));
		text_table_add(&table, "%s", bar(before > over ? before - over : 0));
		before = over;
	}
	if (!json_array_size(candidates))
		return text_written(stream);
	return text_table_print(&table, stream, 2);
}

static int print_advice(FILE *stream, const json_t *advice, const char *what, const char *period)
{
	print_seen(stream, advice, what, period);
	if (!value_integer(advice, "sources"))
		return text_written(stream);
	return print_candidates(stream, advice);
}

static int print_service(FILE *stream, const json_t *service, const char *period)
{
	const json_t *networks = json_object_get(service, "ipv6_64");
	char number[VALUE_TEXT_SIZE];
	int printed;

	(void)fputs("service ", stream);
	(void)text_write_escaped(stream, value_string(service, "service"));
	(void)fprintf(stream, ", limit %s\n", value_limit(service, "limit", number));
	printed = print_advice(stream, service, "sources", period);
	if (!printed && json_is_object(networks) && value_integer(networks, "sources")) {
		(void)fputs("with smtpd_client_ipv6_prefix_length = 64\n", stream);
		printed = print_advice(stream, networks, "networks", period);
	}
	if (json_is_integer(json_object_get(service, "bounded_by")))
		(void)fprintf(stream,
			      "  the limit is enforced: attempts beyond it were not counted, so "
			      "figures above\n  %s are the least that is true\n",
			      value_number(service, "bounded_by", number));
	return printed;
}

int text_advise(FILE *stream, const json_t *result)
{
	const json_t *services = text_items_or_say(
		stream, result, "services", "no advice yet: the first count is not complete");
	char period[VALUE_TEXT_SIZE];
	char unit[VALUE_TEXT_SIZE];
	size_t index;
	json_t *service;

	if (services)
		(void)fprintf(stream,
			      "What limits would have stopped in the busiest %s of each source.\n"
			      "# stands for one source, ## for two or three, ### for four to "
			      "seven, and so on.\n",
			      value_duration(result, "time_unit_seconds", "window", unit));
	json_array_foreach(services, index, service)
	{
		int printed;

		(void)fputc('\n', stream);
		printed = print_service(stream, service,
					value_duration(result, "period_seconds", "-", period));
		if (printed)
			return printed;
	}
	return text_written(stream);
}
