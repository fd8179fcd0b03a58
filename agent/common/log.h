/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines for standard error with syslog priorities ("<4>warning: ...") when it is not a
 * terminal, plain there. Bytes that are not printable are escaped. Modules return errors; the top
 * of each path logs once.
 */
#ifndef AGENT_LOG_H
#define AGENT_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level {
	LOG_LEVEL_ERROR,   /* the agent cannot do what it is for */
	LOG_LEVEL_WARNING, /* something is wrong, or a client exceeded a limit; work goes on */
	LOG_LEVEL_INFO,    /* a change of state that an operator wants to see once */
	LOG_LEVEL_DEBUG,   /* for the one who looks for a fault; -v */
};

/* The only global state of the programs. */
void log_set_level(enum log_level level);

void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Copies text into buffer (size bytes, at least one), each byte that is not printable ASCII as a
 * backslash and three octal digits; cuts what does not fit. Returns the length written, without the
 * terminating NUL.
 */
size_t log_escape(const char *text, char *buffer, size_t size);

#define log_error(...)   log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
