/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comparisons of ${{a} OP {b} ...}. Pure.
 */
#ifndef AGENT_CONFIG_RELATION_H
#define AGENT_CONFIG_RELATION_H

#include <stdbool.h>

enum config_relation {
	CONFIG_EQUAL,
	CONFIG_NOT_EQUAL,
	CONFIG_LESS,
	CONFIG_LESS_OR_EQUAL,
	CONFIG_GREATER,
	CONFIG_GREATER_OR_EQUAL,
};

struct config_comparison {
	enum config_relation relation;
	bool by_level; /* "<level": both sides are compatibility levels, such as 3.6 */
};

/* Reads the operator at *cursor and leaves *cursor behind it; false if there is none. */
bool config_comparison_parse(const char **cursor, const char *end,
			     struct config_comparison *ret_operator);

/*
 * Levels by their parts; else numbers by value if both sides are all digits, texts by their bytes
 * otherwise. false where Postfix would give up: *reterr_side is the side that is no level, or too
 * large a number.
 */
bool config_compare(const char *left, const struct config_comparison *comparison, const char *right,
		    bool *ret_truth, const char **reterr_side);

#endif
