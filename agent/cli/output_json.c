/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The result as it came, on one line; events one a line. Non-ASCII is escaped: JSON loses nothing
 * by it, and no byte from elsewhere steers a terminal.
 */
#include "output.h"

#include <errno.h>

static int print_line(FILE *stream, const json_t *value)
{
	if (json_dumpf(value, stream, JSON_ENSURE_ASCII | JSON_ENCODE_ANY) ||
	    fputc('\n', stream) == EOF)
		return -EIO;
	return 0;
}

static int print_events(FILE *stream, const json_t *result)
{
	size_t index;
	json_t *event;

	json_array_foreach(json_object_get(result, "events"), index, event)
	{
		int printed = print_line(stream, event);

		if (printed)
			return printed;
	}
	return 0;
}

static int print_done(FILE *stream, const json_t *result, const char *what, const json_t *items)
{
	(void)what;
	(void)items;
	return print_line(stream, result);
}

const struct output output_json = {
	.status = print_line,
	.top = print_line,
	.show = print_line,
	.exceptions = print_line,
	.blocks = print_line,
	.events = print_events,
	.event = print_line,
	.config = print_line,
	.check = print_line,
	.advise = print_line,
	.version = print_line,
	.done = print_done,
};
