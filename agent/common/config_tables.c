/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of lists, and cidr tables, in files and inline.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "config_cidr.h"
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

static bool list_goes_on(const struct list *list)
{
	return !list->full && !list->cidr.broken && !config_hopeless(list->loader);
}

int list_lines(struct list *list, struct list_place *place, char *text, size_t size,
	       int (*item)(struct list *list, const struct list_place *place, const char *text,
			   size_t size))
{
	struct config_lines lines;
	struct config_line line;
	int r = 0;

	config_lines_init(&lines, text, size);
	while (r == 0 && list_goes_on(list) && config_lines_next(&lines, &line)) {
		place->origin.line = line.line;
		if (line.indented)
			list_error(list, place, "the first line must not begin with a blank");
		else
			r = item(list, place, line.text, strlen(line.text));
	}
	return r;
}

/* {rule} or {# comment}; a rule that is empty is none. */
static int cidr_inline_rule(struct list *list, const struct list_place *place,
			    const struct config_word *word)
{
	const char *after = word->text;
	const char *end = word->text + word->size;
	const char *rule;
	size_t size;

	if (*after != '{' || !config_braces(&after, end, &rule, &size) || after != end) {
		list_error(list, place, "{rule} expected: " CONFIG_QUOTED,
			   config_quoted(word->text, word->size));
		return 0;
	}
	return size == 0 || *rule == '#' ? 0 : config_cidr_rule(list, place, rule, size);
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
	config_cidr_begin(list);
	while (r == 0 && list_goes_on(list) &&
	       config_word_next(&cursor, inside + inside_size, &word))
		r = cidr_inline_rule(list, place, &word);
	config_cidr_end(list, place);
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
	config_cidr_begin(list);
	r = list_lines(list, &inside, contents, size, config_cidr_rule);
	config_cidr_end(list, &inside);
	return r;
}
