/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of lists, and balanced braces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "config_lines.h"

static bool separator(char c)
{
	return c == ',' || config_blank(c);
}

bool config_word_next(const char **cursor, const char *end, struct config_word *ret_word)
{
	const char *p = *cursor;
	size_t level = 0;

	while (p < end && separator(*p))
		p++;
	if (p == end) {
		*cursor = p;
		return false;
	}
	*ret_word = (struct config_word){ .text = p };
	for (; p < end && (level > 0 || !separator(*p)); p++) {
		if (*p == '{')
			level++;
		else if (*p == '}' && level > 0)
			level--;
		else if (*p == '}')
			ret_word->unbalanced = true;
	}
	ret_word->unbalanced |= level > 0;
	ret_word->size = (size_t)(p - ret_word->text);
	*cursor = p;
	return true;
}

bool config_braced(const char **cursor, const char *end, const char **ret_text, size_t *ret_size)
{
	const char *start = *cursor + 1;
	const char *p = start;
	size_t level = 1;

	for (; p < end; p++) {
		if (*p == '{')
			level++;
		else if (*p == '}' && --level == 0)
			break;
	}
	if (p == end)
		return false;
	*cursor = p + 1;
	*ret_text = start;
	*ret_size = (size_t)(p - start);
	return true;
}

static void strip(const char **text, size_t *size)
{
	for (; *size > 0 && config_blank(**text); ++*text)
		--*size;
	while (*size > 0 && config_blank((*text)[*size - 1]))
		--*size;
}

bool config_braces(const char **cursor, const char *end, const char **ret_text, size_t *ret_size)
{
	if (!config_braced(cursor, end, ret_text, ret_size))
		return false;
	strip(ret_text, ret_size);
	return true;
}

int config_text_append(struct config_text *text, const char *data, size_t size)
{
	if (text->size + size + 1 > text->room) {
		const size_t room = (text->size + size + 1) * 2;
		char *grown = realloc(text->data, room);

		if (!grown)
			return -ENOMEM;
		text->data = grown;
		text->room = room;
	}
	memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
	return 0;
}
