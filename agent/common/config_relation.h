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

/* Reads the operator at *cursor and leaves *cursor behind it; false if there is none. */
bool config_relation_parse(const char **cursor, const char *end,
			   enum config_relation *ret_relation);

/* Numbers by value if both sides are all digits, texts by their bytes otherwise. */
bool config_relation_holds(const char *left, enum config_relation relation, const char *right);

#endif
