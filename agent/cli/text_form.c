/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Escaping, durations and local times for the text output.
 */
#include "text_form.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int text_write_escaped(FILE *stream, const char *text)
{
	for (const char *p = text; *p; p++) {
		unsigned char byte = (unsigned char)*p;
		int result = byte >= 0x20 && byte < 0x7f ? fputc(byte, stream)
							 : fprintf(stream, "\\x%02x", byte);

		if (result < 0)
			return -EIO;
	}
	return 0;
}

char *text_escape(const char *text)
{
	char *escaped = NULL;
	size_t size;
	FILE *stream = open_memstream(&escaped, &size);
	int result;

	if (!stream)
		return NULL;
	result = text_write_escaped(stream, text);
	if (fclose(stream) != 0 || result) {
		free(escaped);
		return NULL;
	}
	return escaped;
}

void duration_format(int64_t seconds, char text[static DURATION_TEXT_SIZE])
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i = 0;
	int64_t rest;

	while (i < 3 && seconds < units[i].seconds)
		i++;
	rest = i < 3 ? seconds % units[i].seconds / units[i + 1].seconds : 0;
	if (rest)
		(void)snprintf(text, DURATION_TEXT_SIZE, "%" PRId64 " %s %" PRId64 " %s",
			       seconds / units[i].seconds, units[i].name, rest, units[i + 1].name);
	else
		(void)snprintf(text, DURATION_TEXT_SIZE, "%" PRId64 " %s",
			       seconds / units[i].seconds, units[i].name);
}

bool time_format_local(const char *rfc3339, char text[static TIME_TEXT_SIZE])
{
	struct tm parsed = { 0 };
	struct tm local;
	char formatted[TIME_TEXT_SIZE];
	long offset;
	size_t length;
	time_t seconds;
	const char *p = strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &parsed);

	if (!p)
		return false;
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	p = strptime(p, "%z", &parsed);
	if (!p || *p)
		return false;
	offset = parsed.tm_gmtoff;
	seconds = timegm(&parsed) - offset;
	if (!localtime_r(&seconds, &local))
		return false;
	length = strftime(formatted, sizeof(formatted) - 1, "%Y-%m-%dT%H:%M:%S%z", &local);
	if (length < 5)
		return false;
	memmove(formatted + length - 1, formatted + length - 2, 3); /* +hhmm becomes +hh:mm */
	formatted[length - 2] = ':';
	memcpy(text, formatted, length + 2);
	return true;
}
