/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logical lines of main.cf, address files and cidr tables: comments and blank lines dropped
 * anywhere, lines that begin with a blank joined to the one before.
 */
#ifndef AGENT_CONFIG_LINES_H
#define AGENT_CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct config_lines {
	char *text; /* size bytes and one more; rewritten in place: lines handed out stay valid */
	size_t size;
	size_t next;
	unsigned line; /* number of the physical line at next */
};

struct config_line {
	char *text; /* NUL-terminated, no blanks at its end */
	unsigned line;
	bool indented; /* begins with a blank, although there is nothing that it could continue */
};

/* text must have room for one byte behind size. */
void config_lines_init(struct config_lines *lines, char *text, size_t size);

/* false at the end. */
bool config_lines_next(struct config_lines *lines, struct config_line *ret_line);

/* The blanks of Postfix: those of the C locale, whatever the locale is. */
static inline bool config_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
