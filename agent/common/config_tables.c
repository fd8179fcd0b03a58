/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of lists, and cidr tables: whichever rule matches, a match is a match.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "config_lines.h"
#include "config_lists.h"

int list_open(struct list *list, const struct list_place *place, const char *path,
	      struct list_place *ret_inside, char **ret_text, size_t *ret_size)
{
	struct config_loader *loader = list->loader;
	int r;

	*ret_inside = *place;
	if (++ret_inside->depth > CONFIG_FILES_DEPTH_MAX) {
		list_error(list, place, "%s: files name each other too deeply", path);
		return 0;
	}
	r = config_include(loader, path, &place->origin, place->parameter, ret_text, ret_size);
	if (r < 0 || !*ret_text)
		return r;
	ret_inside->origin.file = config_file_name(loader->config->values, path);
	return ret_inside->origin.file ? 0 : -ENOMEM;
}

int list_lines(struct list *list, struct list_place *place, char *text, size_t size,
	       int (*item)(struct list *list, const struct list_place *place, const char *text,
			   size_t size))
{
	struct config_lines lines;
	struct config_line line;
	int r = 0;

	config_lines_init(&lines, text, size);
	while (r == 0 && !list->full && !config_hopeless(list->loader) &&
	       config_lines_next(&lines, &line)) {
		place->origin.line = line.line;
		if (line.indented)
			list_error(list, place, "the first line must not begin with a blank");
		else
			r = item(list, place, line.text, strlen(line.text));
	}
	return r;
}

static bool is_word(const char *text, size_t size, const char *word)
{
	return size == strlen(word) && strncasecmp(text, word, size) == 0;
}

/* "pattern result". */
static int cidr_rule(struct list *list, const struct list_place *place, const char *text,
		     size_t size)
{
	size_t pattern_size = 0;

	while (pattern_size < size && !config_blank(text[pattern_size]))
		pattern_size++;
	if (is_word(text, pattern_size, "if") || is_word(text, pattern_size, "endif") ||
	    text[0] == '!')
		list_error(list, place,
			   CONFIG_QUOTED
			   ": \"if\", \"endif\" and \"!\" are not supported in cidr tables",
			   config_quoted(text, size));
	else if (pattern_size == size)
		list_error(list, place, CONFIG_QUOTED ": a rule needs a result, for example OK",
			   config_quoted(text, size));
	else
		return list_prefix(list, place, text, pattern_size, PREFIX_ANY);
	return 0;
}

/* { {rule}, {rule} } */
static int cidr_inline(struct list *list, const struct list_place *place, const char *text,
		       size_t size)
{
	const char *cursor = text;
	const char *inside;
	size_t inside_size;
	struct config_word word;
	int r = 0;

	if (!config_braces(&cursor, text + size, &inside, &inside_size) || cursor != text + size) {
		list_error(list, place, "cidr:{ {rule}, ... } expected: " CONFIG_QUOTED,
			   config_quoted(text, size));
		return 0;
	}
	cursor = inside;
	while (r == 0 && !config_hopeless(list->loader) &&
	       config_word_next(&cursor, inside + inside_size, &word)) {
		const char *after = word.text;
		const char *rule;
		size_t rule_size;

		if (*after == '{' &&
		    config_braces(&after, word.text + word.size, &rule, &rule_size) &&
		    rule_size > 0 && after == word.text + word.size)
			r = cidr_rule(list, place, rule, rule_size);
		else
			list_error(list, place, "{rule} expected: " CONFIG_QUOTED,
				   config_quoted(word.text, word.size));
	}
	return r;
}

int list_cidr(struct list *list, const struct list_place *place, const char *text, size_t size)
{
	_cleanup_free_ char *contents = NULL;
	_cleanup_free_ char *path = NULL;
	struct list_place inside;
	int r;

	if (size > 0 && *text == '{')
		return cidr_inline(list, place, text, size);
	if (size == 0 || *text != '/') {
		list_error(list, place, "cidr:/FILE with an absolute path expected: " CONFIG_QUOTED,
			   config_quoted(text, size));
		return 0;
	}
	path = strndup(text, size);
	if (!path)
		return -ENOMEM;
	r = list_open(list, place, path, &inside, &contents, &size);
	if (r < 0 || !contents)
		return r;
	return list_lines(list, &inside, contents, size, cidr_rule);
}
