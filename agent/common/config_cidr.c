/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of a cidr table: whichever matches, a match is a match, so a table is the set of the
 * addresses that have a result. "!" and if/endif become the networks that they leave, and only
 * clients of the same family are in them.
 */
#include "config_cidr.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "config_lines.h"

struct pattern {
	struct prefix prefix;
	bool negated;
};

/* Whether text begins with the word, whatever stands behind it that could not belong to it. */
static bool keyword(const char *text, size_t size, const char *word)
{
	const size_t length = strlen(word);

	return size >= length && strncasecmp(text, word, length) == 0 &&
	       (size == length || !isalnum((unsigned char)text[length]));
}

static void skip_blanks(const char **text, size_t *size)
{
	for (; *size > 0 && config_blank(**text); ++*text)
		--*size;
}

/* "address", "!address", with blanks around it; false if it is none, reported. */
static bool pattern_parse(struct list *list, const struct list_place *place, const char *text,
			  size_t size, struct pattern *ret)
{
	const char *written = text;
	const size_t written_size = size;

	*ret = (struct pattern){ 0 };
	for (; size > 0 && *text == '!'; text++, size--)
		ret->negated = !ret->negated;
	skip_blanks(&text, &size);
	if (size == 0) {
		list_error(list, place, "an address or network is missing: " CONFIG_QUOTED,
			   config_quoted(written, written_size));
		return false;
	}
	/* An IPv6 pattern for Postfix: it never meets an IPv4 client, and "!" would turn it around.
	 */
	if ((ret->negated || list->cidr.depth > 0) && memchr(text, ':', size) &&
	    prefix_parse(text, size, PREFIX_ANY, &ret->prefix) == PREFIX_OK &&
	    prefix_is_ipv4(&ret->prefix)) {
		list_error(list, place,
			   CONFIG_QUOTED ": with \"!\" or \"if\", write IPv4 addresses as such",
			   config_quoted(written, written_size));
		return false;
	}
	return list_prefix_parse(list, place, text, size, PREFIX_ANY, &ret->prefix);
}

static void apply(struct config_region *region, const struct pattern *pattern)
{
	if (pattern->negated)
		config_region_cut(region, &pattern->prefix);
	else
		config_region_keep(region, &pattern->prefix);
}

/* A level counts also where its pattern is wrong: its "endif" is no second mistake. */
static void rule_if(struct list *list, const struct list_place *place, const char *text,
		    size_t size)
{
	struct list_cidr *cidr = &list->cidr;
	struct pattern pattern;
	const char *blank;

	if (cidr->depth == LIST_CIDR_DEPTH_MAX) {
		list_error(list, place, "more than %d \"if\" within each other",
			   LIST_CIDR_DEPTH_MAX);
		cidr->broken = true;
		return;
	}
	cidr->levels[cidr->depth++] = (struct list_cidr_level){ .line = place->origin.line };
	skip_blanks(&text, &size);
	/* "if ! 10.0.0.0/8" has a blank of its own. */
	for (blank = text; blank < text + size && (*blank == '!' || config_blank(*blank));)
		blank++;
	while (blank < text + size && !config_blank(*blank))
		blank++;
	if (blank < text + size) {
		list_error(list, place,
			   "text behind the pattern of \"if\": " CONFIG_QUOTED
			   "; rules inside must not begin with a blank",
			   config_quoted(blank + 1, (size_t)(text + size - blank) - 1));
		return;
	}
	if (!pattern_parse(list, place, text, size, &pattern))
		return;
	cidr->levels[cidr->depth - 1].prefix = pattern.prefix;
	cidr->levels[cidr->depth - 1].negated = pattern.negated;
	cidr->levels[cidr->depth - 1].valid = true;
}

static void rule_endif(struct list *list, const struct list_place *place, size_t size)
{
	if (size > strlen("endif"))
		list_error(list, place,
			   "text behind \"endif\"; rules after it must not begin with a blank");
	else if (list->cidr.depth == 0)
		list_error(list, place, "\"endif\" without \"if\"");
	if (list->cidr.depth > 0)
		list->cidr.depth--;
}

struct adding {
	struct list *list;
	const struct list_place *place;
	bool any;
};

static int add(const struct prefix *prefix, void *context)
{
	struct adding *adding = context;

	adding->any = true;
	if (adding->list->full)
		return -E2BIG;
	return list_prefix_add(adding->list, adding->place, prefix);
}

/* The networks in which this rule is the one that can match, whatever other rules say. */
static int rule_add(struct list *list, const struct list_place *place,
		    const struct pattern *pattern)
{
	const struct list_cidr *cidr = &list->cidr;
	struct adding adding = { .list = list, .place = place };
	struct config_region region;
	int r;

	config_region_init(&region, &pattern->prefix);
	apply(&region, pattern);
	for (size_t i = 0; i < cidr->depth; i++) {
		const struct pattern condition = { cidr->levels[i].prefix,
						   cidr->levels[i].negated };

		if (!cidr->levels[i].valid)
			return 0; /* refused already */
		apply(&region, &condition);
	}
	r = config_region_each(&region, add, &adding);
	if (!adding.any)
		config_warning(list->loader, &place->origin, place->parameter,
			       "this rule matches no address%s",
			       cidr->depth > 0 ? " that its \"if\" lets through" : "");
	return r == -E2BIG ? 0 : r;
}

/* A table that was written for access control says who is to be refused; in a list of exceptions
 * each of its rules exempts. Said once of a table. */
static void warn_of_refusal(struct list *list, const struct list_place *place, const char *result,
			    size_t size)
{
	static const char *const words[] = {
		"reject", "defer", "discard", "drop", "dunno", "4", "5"
	};
	bool refuses = false;

	skip_blanks(&result, &size);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		refuses = refuses || (size >= strlen(words[i]) &&
				      strncasecmp(result, words[i], strlen(words[i])) == 0);
	if (!refuses || place->negated || list->cidr.refuses)
		return;
	list->cidr.refuses = true;
	config_warning(
		list->loader, &place->origin, place->parameter,
		"\"%.*s\": here every rule exempts, whatever its result; keep a table of the "
		"exempt alone, or leave this rule out",
		config_quoted(result, size));
}

int config_cidr_rule(struct list *list, const struct list_place *place, const char *text,
		     size_t size)
{
	struct pattern pattern;
	size_t used = 0;

	if (keyword(text, size, "if"))
		rule_if(list, place, text + strlen("if"), size - strlen("if"));
	else if (keyword(text, size, "endif"))
		rule_endif(list, place, size);
	else {
		/* "! 10.0.0.0/8 OK" has a blank within its pattern. */
		while (used < size && (text[used] == '!' || config_blank(text[used])))
			used++;
		while (used < size && !config_blank(text[used]))
			used++;
		if (used == size)
			list_error(list, place,
				   CONFIG_QUOTED ": a rule needs a result, for example OK",
				   config_quoted(text, size));
		else if (pattern_parse(list, place, text, used, &pattern)) {
			warn_of_refusal(list, place, text + used, size - used);
			return rule_add(list, place, &pattern);
		}
	}
	return 0;
}

void config_cidr_begin(struct list *list)
{
	list->cidr.depth = 0;
	list->cidr.broken = false;
	list->cidr.refuses = false;
}

void config_cidr_end(struct list *list, const struct list_place *place)
{
	struct list_place at = *place;

	if (list->cidr.depth == 0 || list->full || list->cidr.broken ||
	    config_hopeless(list->loader))
		return;
	at.origin.line = list->cidr.levels[list->cidr.depth - 1].line;
	list_error(list, &at, "\"if\" without \"endif\"");
}
