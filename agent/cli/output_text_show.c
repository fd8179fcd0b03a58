/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `show` for a person: first what the client's next SYN to each service would get and why, then
 * what that rests on.
 */
#include <stdbool.h>
#include <string.h>

#include "output_text.h"
#include "text_form.h"
#include "text_value.h"

static void print_verdict(FILE *stream, const json_t *service)
{
	const char *verdict = value_string(service, "verdict");
	const char *reason = value_string(service, "reason");

	(void)fputs("  next SYN     ", stream);
	if (strcmp(verdict, "pass") == 0)
		(void)fputs("passes", stream);
	else if (strcmp(verdict, "drop") == 0)
		(void)fputs("is dropped", stream);
	else if (strcmp(verdict, "would_drop") == 0)
		(void)fputs("passes in monitor mode; enforcement would drop it", stream);
	else
		(void)text_write_escaped(stream, verdict);
	(void)fputs("\n  because      ", stream);
	(void)text_write_escaped(stream, reason_sentence(reason));
	(void)fputs(" (", stream);
	(void)text_write_escaped(stream, reason);
	(void)fputs(")\n", stream);
}

static void print_attempts(FILE *stream, const json_t *service)
{
	char attempts[VALUE_TEXT_SIZE];
	char limit[VALUE_TEXT_SIZE];
	char remaining[VALUE_TEXT_SIZE];

	(void)fprintf(stream, "  attempts     %s", value_number(service, "attempts", attempts));
	if (value_integer(service, "limit"))
		(void)fprintf(stream, " of %s", value_number(service, "limit", limit));
	else
		(void)fputs(", no limit", stream);
	if (value_integer(service, "window_remaining_seconds"))
		(void)fprintf(stream, ", the window ends in %s",
			      value_duration(service, "window_remaining_seconds", "-", remaining));
	(void)fputc('\n', stream);
}

static void print_dropped(FILE *stream, const json_t *service)
{
	char dropped[VALUE_TEXT_SIZE];
	char last[VALUE_TEXT_SIZE];

	(void)fprintf(stream, "  dropped      %s", value_number(service, "dropped", dropped));
	if (json_is_string(json_object_get(service, "last_dropped"))) {
		(void)fputs(", last at ", stream);
		(void)text_write_escaped(stream, value_time(service, "last_dropped", last));
	}
	(void)fputc('\n', stream);
}

/* Agents that count no messages name no limit. */
static void print_counted(FILE *stream, const json_t *service, const char *what, const char *limit)
{
	char number[VALUE_TEXT_SIZE];

	(void)fprintf(stream, "  %-11s  %s", what, value_number(service, what, number));
	if (value_integer(service, limit))
		(void)fprintf(stream, " of %s", value_number(service, limit, number));
	else if (json_object_get(service, limit))
		(void)fputs(", no limit", stream);
	(void)fputc('\n', stream);
}

static void print_message_verdict(FILE *stream, const json_t *service)
{
	static const struct {
		const char *verdict;
		const char *text;
	} texts[] = {
		{ "dunno", "is not refused" },
		{ "defer", "is refused for now" },
		{ "reject", "is refused" },
		{ "would_defer", "passes in monitor mode; enforcement would refuse it for now" },
		{ "would_reject", "passes in monitor mode; enforcement would refuse it" },
	};
	const char *verdict = value_string(service, "message_verdict");
	const char *reason = value_string(service, "message_reason");

	(void)fputs("  next message ", stream);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].verdict, verdict) == 0)
			verdict = texts[i].text;
	(void)text_write_escaped(stream, verdict);
	(void)fputs("\n  because      ", stream);
	(void)text_write_escaped(stream, reason_sentence(reason));
	(void)fputs(" (", stream);
	(void)text_write_escaped(stream, reason);
	(void)fputs(")\n", stream);
}

/* The limit of the moment: as a service fills up, one source may hold less of it. */
static void print_connections(FILE *stream, const json_t *service)
{
	char number[VALUE_TEXT_SIZE];

	(void)fprintf(stream, "  connections  %s", value_number(service, "connections", number));
	if (value_integer(service, "connection_limit"))
		(void)fprintf(stream, " of %s", value_number(service, "connection_limit", number));
	(void)fputc('\n', stream);
}

static void print_service(FILE *stream, const json_t *service)
{

	(void)fputs("\nservice ", stream);
	(void)text_write_escaped(stream, value_string(service, "service"));
	(void)fputc('\n', stream);
	print_verdict(stream, service);
	print_attempts(stream, service);
	print_dropped(stream, service);
	print_connections(stream, service);
	print_counted(stream, service, "messages", "message_limit");
	print_counted(stream, service, "recipients", "recipient_limit");
	if (json_object_get(service, "message_verdict"))
		print_message_verdict(stream, service);
}

int text_show(FILE *stream, const json_t *result)
{
	const char *address = value_string(result, "address");
	const char *prefix = value_string(result, "prefix");
	size_t index;
	json_t *service;

	(void)text_write_escaped(stream, address);
	if (strcmp(address, prefix) != 0) {
		(void)fputs(", counted as ", stream);
		(void)text_write_escaped(stream, prefix);
	}
	(void)fprintf(stream, "\nexempt   %s\nblocked  %s\n", value_yes_no(result, "exempt"),
		      value_yes_no(result, "blocked"));
	json_array_foreach(json_object_get(result, "services"), index, service)
		print_service(stream, service);
	return text_written(stream);
}
