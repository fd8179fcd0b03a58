/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One log line is one write, so that lines of several writers never mix.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define MESSAGE_SIZE 2048
/* Every byte of a message may need four; the rest is for priority, label and newline. */
#define LINE_SIZE (4 * MESSAGE_SIZE + 32)

static enum log_level level_shown = LOG_LEVEL_INFO;

static const struct {
	const char *priority; /* syslog's number, as systemd reads it from standard error */
	const char *label;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "<3>", "error: " },
	[LOG_LEVEL_WARNING] = { "<4>", "warning: " },
	[LOG_LEVEL_INFO] = { "<6>", "" },
	[LOG_LEVEL_DEBUG] = { "<7>", "debug: " },
};

void log_set_level(enum log_level level)
{
	level_shown = level;
}

size_t log_escape(const char *text, char *buffer, size_t size)
{
	static const char octal[] = "01234567";
	size_t used = 0;

	for (; *text != '\0'; text++) {
		const unsigned char byte = (unsigned char)*text;
		const bool plain = byte >= ' ' && byte < 0x7f;

		if (used + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			buffer[used++] = (char)byte;
			continue;
		}
		buffer[used++] = '\\';
		buffer[used++] = octal[byte >> 6];
		buffer[used++] = octal[byte >> 3 & 7];
		buffer[used++] = octal[byte & 7];
	}
	buffer[used] = '\0';
	return used;
}

void log_message(enum log_level level, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	char line[LINE_SIZE];
	const int saved = errno;
	va_list arguments;
	size_t used;

	if (level > level_shown)
		return;
	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);

	used = (size_t)snprintf(line, sizeof(line), "%s%s",
				isatty(STDERR_FILENO) ? "" : levels[level].priority,
				levels[level].label);
	used += log_escape(message, line + used, sizeof(line) - used - 1);
	line[used++] = '\n';
	/* Where even standard error fails there is nobody left to tell. */
	if (write(STDERR_FILENO, line, used) < 0)
		errno = saved;
	errno = saved;
}
