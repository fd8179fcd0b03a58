/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of run-time rules: any bytes give rules; what was read is written in a form that reads
 * as the same, whole.
 */
#include <stdint.h>
#include <stdlib.h>

#include "state_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_equal(const struct rule_set *a, const struct rule_set *b)
{
	require(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		require(prefix_equal(&a->items[i].prefix, &b->items[i].prefix));
		require(a->items[i].ends_ms == b->items[i].ends_ms);
		require(a->items[i].by_policy == b->items[i].by_policy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state_rules rules, again;
	struct state_damage damage;
	size_t text_size;
	char *text;

	require(state_file_parse((const char *)data, size, &rules, &damage) == 0);
	require(state_file_format(&rules, &text, &text_size) == 0);
	require(state_file_parse(text, text_size, &again, &damage) == 0);
	require(!damage.reason && !damage.bad_lines);
	require_equal(&rules.exceptions, &again.exceptions);
	require_equal(&rules.blocks, &again.blocks);
	free(text);
	state_rules_done(&rules);
	state_rules_done(&again);
	return 0;
}
