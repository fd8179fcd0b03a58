/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address lists: words of the value, files of words, cidr tables. What cannot be honoured is an
 * error, never an exemption less.
 */
#include "config_lists.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config_lines.h"

static int list_words(struct list *list, const struct list_place *place, const char *text,
		      size_t size);

static struct config_pattern *pattern_add(struct list *list, const struct list_place *place)
{
	struct config_patterns *patterns = list->patterns;
	const size_t count = patterns->count;
	struct config_pattern *grown;

	/* Room doubles at powers of two. */
	if ((count & (count - 1)) == 0) {
		grown = reallocarray(patterns->items, count == 0 ? 1 : 2 * count, sizeof(*grown));
		if (!grown)
			return NULL;
		patterns->items = grown;
	}
	grown = &patterns->items[patterns->count++];
	*grown = (struct config_pattern){ .negated = place->negated, .origin = place->origin };
	return grown;
}

/* Says so once. */
static bool list_full(struct list *list, const struct list_place *place)
{
	if (list->patterns->count < SA_PREFIXES_MAX)
		return false;
	if (!list->full)
		list_error(list, place, "more than %d patterns", SA_PREFIXES_MAX);
	list->full = true;
	return true;
}

static void report_prefix(struct list *list, const struct list_place *place, const char *text,
			  size_t size, enum prefix_error error, const struct prefix *prefix)
{
	char meant[PREFIX_TEXT_SIZE];
	char *slash;

	if (error != PREFIX_HOST_BITS && error != PREFIX_UNBRACKETED) {
		list_error(list, place, CONFIG_QUOTED " is %s", config_quoted(text, size),
			   prefix_error_text(error));
		return;
	}
	prefix_format(prefix, meant);
	slash = strchr(meant, '/');
	if (prefix_is_ipv4(prefix))
		list_error(list, place, CONFIG_QUOTED ": %s; did you mean %s?",
			   config_quoted(text, size), prefix_error_text(error), meant);
	else
		list_error(list, place, CONFIG_QUOTED ": %s; did you mean [%.*s]%s?",
			   config_quoted(text, size), prefix_error_text(error),
			   (int)(slash ? slash - meant : (ptrdiff_t)strlen(meant)), meant,
			   slash ? slash : "");
}

/* Postfix reads this notation as IPv6 and compares it with IPv6 clients only. Debian's lists have
 * it for loopback, where nothing depends on it. */
static void warn_of_mapped(struct list *list, const struct list_place *place, const char *text,
			   size_t size, const struct prefix *prefix)
{
	static const struct prefix loopback = { .address = { [10] = 0xff, [11] = 0xff, [12] = 127 },
						.length = 104 };
	char meant[PREFIX_TEXT_SIZE];

	if (!prefix_is_ipv4(prefix) || !memchr(text, ':', size) || prefix_covers(&loopback, prefix))
		return;
	prefix_format(prefix, meant);
	config_warning(list->loader, &place->origin, place->parameter,
		       CONFIG_QUOTED
		       " matches no IPv4 client in Postfix; here it means %s: write that",
		       config_quoted(text, size), meant);
}

bool list_prefix_parse(struct list *list, const struct list_place *place, const char *text,
		       size_t size, enum prefix_syntax syntax, struct prefix *ret_prefix)
{
	const enum prefix_error error = prefix_parse(text, size, syntax, ret_prefix);

	if (error == PREFIX_OK)
		warn_of_mapped(list, place, text, size, ret_prefix);
	else
		report_prefix(list, place, text, size, error, ret_prefix);
	return error == PREFIX_OK;
}

int list_prefix_add(struct list *list, const struct list_place *place, const struct prefix *prefix)
{
	struct config_pattern *pattern;

	if (list_full(list, place))
		return 0;
	pattern = pattern_add(list, place);
	if (!pattern)
		return -ENOMEM;
	pattern->is_prefix = true;
	pattern->prefix = *prefix;
	return 0;
}

static int list_prefix(struct list *list, const struct list_place *place, const char *text,
		       size_t size)
{
	struct prefix prefix = { 0 };

	if (!list_prefix_parse(list, place, text, size, PREFIX_LIST, &prefix))
		return 0;
	return list_prefix_add(list, place, &prefix);
}

/* Lines of an access table, read as a list of patterns: every address in it is one, refused or not.
 */
static void warn_of_result(struct list *list, const struct list_place *place, const char *host)
{
	static const char *const results[] = { "ok", "permit", "reject", "dunno", "relay" };

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]) && !list->results; i++) {
		if (strcmp(host, results[i]) != 0)
			continue;
		list->results = true;
		config_warning(
			list->loader, &place->origin, place->parameter,
			"\"%s\" is taken for the name of a host, and the addresses beside it "
			"are patterns all the same; a table with results is written "
			"cidr:/FILE",
			host);
	}
}

/* The warning about all host patterns is given at the first one. */
static int list_host(struct list *list, const struct list_place *place, const char *text,
		     size_t size)
{
	_cleanup_free_ char *host = strndup(text, size);
	struct config_pattern *pattern;

	if (!host)
		return -ENOMEM;
	for (char *p = host; *p != '\0'; p++) {
		*p = (char)tolower((unsigned char)*p);
		if (!isalnum((unsigned char)*p) && !strchr(".-_", *p)) {
			list_error(list, place,
				   CONFIG_QUOTED " is neither an address nor a host name",
				   config_quoted(text, size));
			return 0;
		}
	}
	if (list_full(list, place))
		return 0;
	pattern = pattern_add(list, place);
	if (!pattern)
		return -ENOMEM;
	pattern->host = TAKE_PTR(host);
	warn_of_result(list, place, pattern->host);
	if (list->host_count++ == 0) {
		list->first_host = pattern->host;
		list->first_host_place = *place;
	}
	return 0;
}

static int list_file(struct list *list, const struct list_place *place, const char *name,
		     size_t size)
{
	_cleanup_free_ char *path = strndup(name, size);
	_cleanup_free_ char *text = NULL;
	struct list_place inside;
	int r;

	if (!path)
		return -ENOMEM;
	r = list_open(list, place, path, &inside, &text, &size);
	if (r < 0 || !text)
		return r;
	return list_lines(list, &inside, text, size, list_words);
}

/* type:table, which only cidr: is supported of; or an IPv6 address without its brackets. */
static int list_table(struct list *list, const struct list_place *place, const char *text,
		      size_t size)
{
	const size_t type_size = (size_t)((const char *)memchr(text, ':', size) - text);
	struct prefix prefix;

	if (type_size == strlen("cidr") && memcmp(text, "cidr", type_size) == 0)
		return list_cidr(list, place, text + type_size + 1, size - type_size - 1);
	if (prefix_parse(text, size, PREFIX_LIST, &prefix) == PREFIX_UNBRACKETED)
		report_prefix(list, place, text, size, PREFIX_UNBRACKETED, &prefix);
	else
		list_error(list, place,
			   CONFIG_QUOTED
			   ": lookup tables of type \"%.*s\" are not supported here, only cidr:",
			   config_quoted(text, size), config_quoted(text, type_size));
	return 0;
}

/* Whether it can only be meant as an address, or as some of them: never a host name. */
static bool looks_like_address(const char *text, size_t size)
{
	if (text[0] == '[')
		return true;
	for (size_t i = 0; i < size; i++) {
		if (!isdigit((unsigned char)text[i]) && !strchr("./-", text[i]))
			return false;
	}
	return true;
}

static int list_word(struct list *list, const struct list_place *outer,
		     const struct config_word *word)
{
	struct list_place place = *outer;
	const char *text = word->text;
	size_t size = word->size;

	for (; size > 0 && *text == '!'; text++, size--)
		place.negated = !place.negated;
	if (word->unbalanced)
		list_error(list, &place, "a brace has no partner: " CONFIG_QUOTED,
			   config_quoted(text, size));
	else if (size == 0)
		list_error(list, &place, "there is no pattern after \"!\"");
	else if (text[0] == '#')
		list_error(list, &place, "a comment needs a line of its own");
	else if (text[0] == '/')
		return list_file(list, &place, text, size);
	else if (text[0] != '[' && memchr(text, ':', size))
		return list_table(list, &place, text, size);
	else if (looks_like_address(text, size))
		return list_prefix(list, &place, text, size);
	else
		return list_host(list, &place, text, size);
	return 0;
}

/* The words of a line of an included file. */
static int list_words(struct list *list, const struct list_place *place, const char *text,
		      size_t size)
{
	const char *cursor = text;
	struct config_word word;
	int r = 0;

	while (r == 0 && !config_hopeless(list->loader) &&
	       config_word_next(&cursor, text + size, &word))
		r = list_word(list, place, &word);
	return r;
}

/* Where the value's byte at offset was written: the parameter that holds it in the file. */
static struct list_place place_at(const struct config_setting *setting, size_t offset, size_t *span)
{
	const struct config_setting *origin;

	while (*span + 1 < setting->span_count && setting->spans[*span + 1].start <= offset)
		(*span)++;
	origin = setting->spans[*span].setting;
	return (struct list_place){ .parameter = origin->parameter->name,
				    .origin = origin->origin };
}

int config_list_parse(struct config_loader *loader, const struct config_setting *setting,
		      struct config_patterns *ret_patterns)
{
	struct list list = { .loader = loader, .patterns = ret_patterns };
	const char *cursor = setting->value.data;
	const char *end = cursor + setting->value.size;
	struct config_word word;
	size_t span = 0;
	int r = 0;

	while (r == 0 && !config_hopeless(loader) && config_word_next(&cursor, end, &word)) {
		const size_t offset = (size_t)(word.text - setting->value.data);
		const struct list_place place = place_at(setting, offset, &span);

		r = list_word(&list, &place, &word);
	}
	if (list.host_count > 0)
		config_warning(loader, &list.first_host_place.origin,
			       list.first_host_place.parameter,
			       "\"%s\"%s: names are not known when a packet arrives; only "
			       "addresses are exempt there",
			       list.first_host, list.host_count > 1 ? " and other names" : "");
	return r;
}

void config_patterns_done(struct config_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		free((char *)patterns->items[i].host);
	free(patterns->items);
	*patterns = (struct config_patterns){ 0 };
}
