/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a prefix: what is accepted prints to a text that reads back as the same value, in
 * both syntaxes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "prefix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(const char *text, size_t size, enum prefix_syntax syntax)
{
	struct prefix prefix;
	struct prefix again;
	char printed[PREFIX_TEXT_SIZE];
	const enum prefix_error error = prefix_parse(text, size, syntax, &prefix);

	require(prefix_error_text(error) != NULL);
	if (error == PREFIX_BAD_ADDRESS || error == PREFIX_BAD_LENGTH)
		return;
	require(prefix.length <= 128);
	prefix_format(&prefix, printed);
	require(strlen(printed) < PREFIX_TEXT_SIZE);
	require(prefix_parse(printed, strlen(printed), PREFIX_ANY, &again) == PREFIX_OK);
	require(prefix_equal(&prefix, &again));
	require(prefix_covers(&prefix, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	check(text, size, PREFIX_LIST);
	check(text, size, PREFIX_ANY);
	return 0;
}
