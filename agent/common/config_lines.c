/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In-place reader of logical lines: what it has joined never grows beyond what it has read.
 */
#include "config_lines.h"

#include <string.h>

void config_lines_init(struct config_lines *lines, char *text, size_t size)
{
	*lines = (struct config_lines){ .text = text, .size = size, .line = 1 };
}

/* A physical line without its newline. */
struct physical {
	size_t start;
	size_t end;
	size_t next; /* where the one after it begins */
};

static struct physical physical_at(const struct config_lines *lines, size_t start)
{
	const char *newline = memchr(lines->text + start, '\n', lines->size - start);
	struct physical p = { .start = start, .end = lines->size, .next = lines->size };

	if (newline) {
		p.end = (size_t)(newline - lines->text);
		p.next = p.end + 1;
	}
	return p;
}

/* Whether there is nothing on it, or a comment only. */
static bool is_empty(const struct config_lines *lines, const struct physical *p)
{
	for (size_t i = p->start; i < p->end; i++) {
		if (!config_blank(lines->text[i]))
			return lines->text[i] == '#';
	}
	return true;
}

bool config_lines_next(struct config_lines *lines, struct config_line *ret_line)
{
	size_t start = 0;
	size_t used = 0;
	bool found = false;

	while (lines->next < lines->size) {
		const struct physical p = physical_at(lines, lines->next);
		const bool empty = is_empty(lines, &p);

		if (!empty && found && !config_blank(lines->text[p.start]))
			break;
		if (!empty && !found) {
			found = true;
			start = p.start;
			used = p.end;
			ret_line->line = lines->line;
			ret_line->indented = config_blank(lines->text[start]);
		} else if (!empty) {
			memmove(lines->text + used, lines->text + p.start, p.end - p.start);
			used += p.end - p.start;
		}
		lines->next = p.next;
		lines->line++;
	}
	if (!found)
		return false;
	while (used > start && config_blank(lines->text[used - 1]))
		used--;
	lines->text[used] = '\0';
	ret_line->text = lines->text + start;
	return true;
}
