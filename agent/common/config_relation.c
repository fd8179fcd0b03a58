/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparing texts that may be numbers of any length.
 */
#include "config_relation.h"

#include <stddef.h>
#include <string.h>

/* The longer ones first: "<=" begins with "<". */
static const struct {
	const char *text;
	enum config_relation relation;
} operators[] = {
	{ "==", CONFIG_EQUAL },         { "!=", CONFIG_NOT_EQUAL },
	{ "<=", CONFIG_LESS_OR_EQUAL }, { ">=", CONFIG_GREATER_OR_EQUAL },
	{ "<", CONFIG_LESS },           { ">", CONFIG_GREATER },
};

bool config_relation_parse(const char **cursor, const char *end, enum config_relation *ret_relation)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		const size_t size = strlen(operators[i].text);

		if ((size_t)(end - *cursor) >= size &&
		    memcmp(*cursor, operators[i].text, size) == 0) {
			*cursor += size;
			*ret_relation = operators[i].relation;
			return true;
		}
	}
	return false;
}

static bool all_digits(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int compare(const char *left, const char *right)
{
	size_t left_size;
	size_t right_size;

	if (!all_digits(left) || !all_digits(right))
		return strcmp(left, right);
	left += strspn(left, "0");
	right += strspn(right, "0");
	left_size = strlen(left);
	right_size = strlen(right);
	if (left_size != right_size)
		return left_size < right_size ? -1 : 1;
	return strcmp(left, right);
}

bool config_relation_holds(const char *left, enum config_relation relation, const char *right)
{
	const int order = compare(left, right);

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
