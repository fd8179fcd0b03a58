/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparing texts that may be numbers or compatibility levels.
 */
#include "config_relation.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "config_lines.h"
#include "parse.h"

/* What Postfix has room for. */
#define LEVEL_PART_MAX 1023
#define LEVEL_PARTS    3

/* The longer ones first: "<=" begins with "<". */
static const struct {
	const char *text;
	enum config_relation relation;
} relations[] = {
	{ "==", CONFIG_EQUAL },         { "!=", CONFIG_NOT_EQUAL },
	{ "<=", CONFIG_LESS_OR_EQUAL }, { ">=", CONFIG_GREATER_OR_EQUAL },
	{ "<", CONFIG_LESS },           { ">", CONFIG_GREATER },
};

/* Whether text stands at *cursor, which then moves behind it. */
static bool take(const char **cursor, const char *end, const char *text)
{
	const size_t size = strlen(text);

	if ((size_t)(end - *cursor) < size || memcmp(*cursor, text, size) != 0)
		return false;
	*cursor += size;
	return true;
}

bool config_comparison_parse(const char **cursor, const char *end,
			     struct config_comparison *ret_operator)
{
	for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
		if (!take(cursor, end, relations[i].text))
			continue;
		ret_operator->relation = relations[i].relation;
		ret_operator->by_level = take(cursor, end, "level");
		return *cursor == end || !isalnum((unsigned char)**cursor);
	}
	return false;
}

/* MAJOR, MAJOR.MINOR or MAJOR.MINOR.PATCH; what is not written is 0. */
static bool level_parse(const char *text, uint32_t parts[static LEVEL_PARTS])
{
	memset(parts, 0, LEVEL_PARTS * sizeof(*parts));
	for (unsigned i = 0; i < LEVEL_PARTS; i++) {
		size_t size;

		while (config_blank(*text))
			text++;
		text += *text == '+';
		size = strcspn(text, ".");
		if (parse_digits(text, size, i == 0 ? UINT32_MAX : LEVEL_PART_MAX, &parts[i]) != 0)
			return false;
		text += size;
		if (*text == '\0')
			return true;
		text++;
	}
	return false;
}

static bool order_levels(const char *left, const char *right, int *ret_order,
			 const char **reterr_side)
{
	uint32_t a[LEVEL_PARTS];
	uint32_t b[LEVEL_PARTS];

	*reterr_side = left;
	if (!level_parse(left, a))
		return false;
	*reterr_side = right;
	if (!level_parse(right, b))
		return false;
	*ret_order = 0;
	for (unsigned i = 0; i < LEVEL_PARTS && *ret_order == 0; i++)
		*ret_order = (a[i] > b[i]) - (a[i] < b[i]);
	return true;
}

static bool all_digits(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool order_texts(const char *left, const char *right, int *ret_order,
			const char **reterr_side)
{
	long a;
	long b;

	if (!all_digits(left) || !all_digits(right)) {
		*ret_order = strcmp(left, right);
		return true;
	}
	*reterr_side = left;
	if (parse_long(left, &a) != 0)
		return false;
	*reterr_side = right;
	if (parse_long(right, &b) != 0)
		return false;
	*ret_order = (a > b) - (a < b);
	return true;
}

static bool holds(int order, enum config_relation relation)
{
	switch (relation) {
	case CONFIG_EQUAL:
		return order == 0;
	case CONFIG_NOT_EQUAL:
		return order != 0;
	case CONFIG_LESS:
		return order < 0;
	case CONFIG_LESS_OR_EQUAL:
		return order <= 0;
	case CONFIG_GREATER:
		return order > 0;
	case CONFIG_GREATER_OR_EQUAL:
		return order >= 0;
	}
	return false;
}

bool config_compare(const char *left, const struct config_comparison *comparison, const char *right,
		    bool *ret_truth, const char **reterr_side)
{
	int order = 0;

	if (comparison->by_level ? !order_levels(left, right, &order, reterr_side)
				 : !order_texts(left, right, &order, reterr_side))
		return false;
	*ret_truth = holds(order, comparison->relation);
	return true;
}
