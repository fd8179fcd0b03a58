/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.c and rule_set.c: compiled tries against the plain evaluation of the lists that they stand
 * for, with random lists and addresses of both families.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "random.h"
#include "rule_set.h"
#include "rules.h"

#define LISTS        400
#define LOOKUPS      100
#define PATTERNS_MAX 40
#define LARGE        100000
#define LARGE_MS     1000 /* ten times the aim: a slow machine and sanitizers, but not O(n^2) */
#define NOW          1000000
#define MONO         5000

/* Longest prefix match as the kernel's trie does it: on bits alone. */
static bool bits_match(const struct prefix *prefix, const struct sa_address *address)
{
	struct prefix cut;

	prefix_of(address, prefix->length, &cut);
	return memcmp(cut.address, prefix->address, sizeof(cut.address)) == 0;
}

static enum sa_exception trie_exception(const struct exception_entry *entries, size_t count,
					const struct sa_address *address)
{
	enum sa_exception value = SA_EXCEPTION_NONE;
	int longest = -1;

	for (size_t i = 0; i < count; i++)
		if (entries[i].prefix.length > longest && bits_match(&entries[i].prefix, address)) {
			longest = entries[i].prefix.length;
			value = entries[i].value;
		}
	return value;
}

static uint64_t trie_block(const struct block_entry *entries, size_t count,
			   const struct sa_address *address)
{
	uint64_t value = 0;
	int longest = -1;

	for (size_t i = 0; i < count; i++)
		if (entries[i].prefix.length > longest && bits_match(&entries[i].prefix, address)) {
			longest = entries[i].prefix.length;
			value = entries[i].expires_ms;
		}
	return value;
}

/* The list as a person reads it: the first pattern that contains the address decides. */
static enum sa_exception list_exception(const struct config_patterns *patterns,
					const struct sa_address *address)
{
	struct prefix full;

	prefix_of(address, 128, &full);
	for (size_t i = 0; i < patterns->count; i++) {
		const struct config_pattern *pattern = &patterns->items[i];

		if (pattern->is_prefix && prefix_covers(&pattern->prefix, &full))
			return pattern->negated ? SA_EXCEPTION_NOT_EXEMPT : SA_EXCEPTION_EXEMPT;
	}
	return SA_EXCEPTION_NONE;
}

static void assert_sorted(const void *entries, size_t count, size_t size)
{
	for (size_t i = 1; i < count; i++)
		assert_true(prefix_compare((const char *)entries + (i - 1) * size,
					   (const char *)entries + i * size) < 0);
}

static void configured_equals_first_match(void **state)
{
	struct random random = { 1 };
	struct config_pattern items[PATTERNS_MAX];

	(void)state;
	for (int list = 0; list < LISTS; list++) {
		struct config_patterns patterns = { items, random_below(&random, PATTERNS_MAX) };
		struct exception_entry *entries;
		size_t count;

		for (size_t i = 0; i < patterns.count; i++)
			items[i] = (struct config_pattern){
				.negated = random_below(&random, 3) == 0,
				.is_prefix = random_below(&random, 10) != 0,
				.host = "mx.example.org",
				.prefix = random_prefix(&random),
			};
		assert_int_equal(rules_compile_configured(&patterns, &entries, &count), 0);
		assert_sorted(entries, count, sizeof(*entries));
		assert_true(count <= patterns.count + 1);
		for (int i = 0; i < LOOKUPS; i++) {
			const struct sa_address address = random_address(&random);
			const enum sa_exception wanted = list_exception(&patterns, &address);
			struct prefix full;

			prefix_of(&address, 128, &full);
			assert_int_equal(trie_exception(entries, count, &address), wanted);
			assert_int_equal(rules_match(entries, count, &full), wanted);
		}
		free(entries);
	}
}

static void runtime_is_a_set(void **state)
{
	struct random random = { 2 };
	struct prefix prefixes[PATTERNS_MAX];

	(void)state;
	for (int list = 0; list < LISTS; list++) {
		const size_t given = random_below(&random, PATTERNS_MAX);
		struct exception_entry *entries;
		size_t count;

		for (size_t i = 0; i < given; i++)
			prefixes[i] = random_prefix(&random);
		assert_int_equal(rules_compile_runtime(prefixes, given, &entries, &count), 0);
		assert_sorted(entries, count, sizeof(*entries));
		for (int i = 0; i < LOOKUPS; i++) {
			const struct sa_address address = random_address(&random);
			enum sa_exception wanted = SA_EXCEPTION_NONE;
			struct prefix full;

			prefix_of(&address, 128, &full);
			for (size_t p = 0; p < given; p++)
				if (prefix_covers(&prefixes[p], &full))
					wanted = SA_EXCEPTION_EXEMPT;
			assert_int_equal(trie_exception(entries, count, &address), wanted);
		}
		free(entries);
	}
}

static uint64_t list_block(const struct block_rule *rules, size_t count,
			   const struct sa_address *address)
{
	int64_t latest = 0;
	struct prefix full;

	prefix_of(address, 128, &full);
	for (size_t i = 0; i < count; i++)
		if (rules[i].ends_ms > NOW && rules[i].ends_ms > latest &&
		    prefix_covers(&rules[i].prefix, &full))
			latest = rules[i].ends_ms;
	if (latest == INT64_MAX)
		return ~0ULL;
	return latest ? MONO + (uint64_t)(latest - NOW) : 0;
}

static void blocks_carry_the_latest_end(void **state)
{
	struct random random = { 3 };
	struct block_rule rules[PATTERNS_MAX];

	(void)state;
	for (int list = 0; list < LISTS; list++) {
		const size_t given = random_below(&random, PATTERNS_MAX);
		struct block_entry *entries;
		size_t count;

		for (size_t i = 0; i < given; i++) {
			rules[i] = (struct block_rule){
				.prefix = random_prefix(&random),
				.ends_ms = NOW - 5 + (int64_t)random_below(&random, 20)
			};
			if (!random_below(&random, 10))
				rules[i].ends_ms = INT64_MAX;
		}
		assert_int_equal(rules_compile_blocks(rules, given, NOW, MONO, &entries, &count),
				 0);
		assert_sorted(entries, count, sizeof(*entries));
		for (int i = 0; i < LOOKUPS; i++) {
			const struct sa_address address = random_address(&random);

			assert_true(trie_block(entries, count, &address) ==
				    list_block(rules, given, &address));
		}
		free(entries);
	}
}

static struct prefix parsed(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, strlen(text), PREFIX_ANY, &prefix), PREFIX_OK);
	return prefix;
}

static void covered_patterns_go(void **state)
{
	struct config_pattern items[] = {
		{ .is_prefix = true, .prefix = parsed("10.0.0.0/8") },
		{ .is_prefix = true, .prefix = parsed("10.1.0.0/16"), .negated = true },
		{ .is_prefix = true, .prefix = parsed("10.0.0.0/8"), .negated = true },
		{ .is_prefix = true, .prefix = parsed("0.0.0.0/0"), .negated = true },
	};
	const struct config_patterns patterns = { items, 4 };
	struct exception_entry *entries;
	size_t count;

	(void)state;
	assert_int_equal(rules_compile_configured(&patterns, &entries, &count), 0);
	/* 0.0.0.0/0 takes the place of the none node. */
	assert_int_equal(count, 2);
	assert_int_equal(entries[0].prefix.length, 96);
	assert_int_equal(entries[0].value, SA_EXCEPTION_NOT_EXEMPT);
	assert_int_equal(entries[1].prefix.length, 104);
	assert_int_equal(entries[1].value, SA_EXCEPTION_EXEMPT);
	free(entries);
}

static void ipv6_never_covers_ipv4(void **state)
{
	const struct prefix all = parsed("::/0");
	const struct block_rule block = { .prefix = all, .ends_ms = INT64_MAX };
	const struct prefix ipv4 = parsed("192.0.2.1"), ipv6 = parsed("2001:db8::1");
	struct exception_entry *entries;
	struct block_entry *blocks;
	struct sa_address address;
	size_t count;

	(void)state;
	assert_int_equal(rules_compile_runtime(&all, 1, &entries, &count), 0);
	assert_int_equal(rules_match(entries, count, &ipv4), SA_EXCEPTION_NONE);
	assert_int_equal(rules_match(entries, count, &ipv6), SA_EXCEPTION_EXEMPT);
	free(entries);
	assert_int_equal(rules_compile_blocks(&block, 1, NOW, MONO, &blocks, &count), 0);
	memcpy(&address, ipv4.address, sizeof(address));
	assert_true(trie_block(blocks, count, &address) == 0);
	memcpy(&address, ipv6.address, sizeof(address));
	assert_true(trie_block(blocks, count, &address) == ~0ULL);
	free(blocks);
}

static void large_lists_compile_fast(void **state)
{
	struct random random = { 4 };
	struct block_rule *rules = calloc(LARGE, sizeof(*rules));
	struct config_pattern *items = calloc(LARGE, sizeof(*items));
	const struct config_patterns patterns = { items, LARGE };
	struct exception_entry *entries;
	struct block_entry *blocks;
	size_t count, block_count;
	clock_t started;

	(void)state;
	for (size_t i = 0; i < LARGE; i++) {
		const struct sa_address address = { 0, random_next(&random) };

		prefix_of(&address, (uint8_t)(64 + random_below(&random, 65)), &items[i].prefix);
		items[i].is_prefix = true;
		rules[i] = (struct block_rule){ .prefix = items[i].prefix, .ends_ms = INT64_MAX };
	}
	started = clock();
	assert_int_equal(rules_compile_configured(&patterns, &entries, &count), 0);
	assert_int_equal(rules_compile_blocks(rules, LARGE, NOW, MONO, &blocks, &block_count), 0);
	assert_true((clock() - started) * 1000 / CLOCKS_PER_SEC < LARGE_MS);
	free(entries);
	free(blocks);
	free(rules);
	free(items);
}

/* --- sets --- */

static void set_follows_a_plain_list(void **state)
{
	struct random random = { 5 };
	struct prefix known[30];
	struct block_rule wanted[30];
	bool there[30] = { 0 };
	struct rule_set set = { 0 };

	(void)state;
	for (int i = 0; i < 30; i++) {
		const struct sa_address address = { 0, (uint64_t)i << 56 | 0xffff0000ULL };

		prefix_of(&address, 128, &known[i]);
	}
	for (int round = 0; round < 5000; round++) {
		const size_t one = random_below(&random, 30);
		struct rule_set next;
		size_t missing = 99, total = 0;

		if (random_below(&random, 2)) {
			wanted[one] = (struct block_rule){
				.prefix = known[one], .ends_ms = (int64_t)random_below(&random, 100)
			};
			there[one] = true;
			assert_int_equal(rule_set_add(&set, &wanted[one], 1, &next), 0);
		} else if (!there[one]) {
			assert_int_equal(rule_set_delete(&set, &known[one], 1, &next, &missing),
					 -ENOENT);
			assert_int_equal(missing, 0);
			continue;
		} else {
			there[one] = false;
			assert_int_equal(rule_set_delete(&set, &known[one], 1, &next, &missing), 0);
		}
		rule_set_done(&set);
		set = next;
		for (int i = 0; i < 30; i++) {
			const struct block_rule *found = rule_set_find(&set, &known[i]);

			assert_int_equal(found != NULL, there[i]);
			if (found)
				assert_int_equal(found->ends_ms, wanted[i].ends_ms);
			total += there[i];
		}
		assert_int_equal(set.count, total);
		assert_sorted(set.items, set.count, sizeof(*set.items));
	}
	rule_set_done(&set);
}

static void last_of_equal_additions_holds(void **state)
{
	const struct block_rule additions[] = {
		{ .prefix = parsed("192.0.2.0/24"), .ends_ms = 5 },
		{ .prefix = parsed("192.0.2.1"), .ends_ms = 6 },
		{ .prefix = parsed("192.0.2.0/24"), .ends_ms = 3 },
	};
	const struct rule_set none = { 0 };
	struct rule_set set;

	(void)state;
	assert_int_equal(rule_set_add(&none, additions, 3, &set), 0);
	assert_int_equal(set.count, 2);
	assert_int_equal(rule_set_find(&set, &additions[0].prefix)->ends_ms, 3);
	rule_set_done(&set);
}

static void cover_and_prune_look_at_ends(void **state)
{
	const struct block_rule rules[] = {
		{ .prefix = parsed("192.0.2.0/24"), .ends_ms = 10 },
		{ .prefix = parsed("192.0.2.1"), .ends_ms = 5 },
		{ .prefix = parsed("::/0"), .ends_ms = INT64_MAX },
	};
	const struct prefix outside = parsed("192.0.3.1"), wide = parsed("192.0.0.0/16");
	const struct rule_set none = { 0 };
	struct rule_set set, pruned;

	(void)state;
	assert_int_equal(rule_set_add(&none, rules, 3, &set), 0);
	assert_int_equal(rule_set_cover(&set, &rules[1].prefix, 4)->ends_ms, 10);
	assert_int_equal(rule_set_cover(&set, &rules[1].prefix, 9)->ends_ms, 10);
	assert_null(rule_set_cover(&set, &rules[1].prefix, 10));
	assert_null(rule_set_cover(&set, &outside, 0));
	assert_null(rule_set_cover(&set, &wide, 0));
	assert_int_equal(rule_set_ended(&set, 5), 1);
	assert_int_equal(rule_set_prune(&set, 5, &pruned), 0);
	assert_int_equal(pruned.count, 2);
	assert_null(rule_set_find(&pruned, &rules[1].prefix));
	rule_set_done(&set);
	rule_set_done(&pruned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configured_equals_first_match),
		cmocka_unit_test(runtime_is_a_set),
		cmocka_unit_test(blocks_carry_the_latest_end),
		cmocka_unit_test(covered_patterns_go),
		cmocka_unit_test(ipv6_never_covers_ipv4),
		cmocka_unit_test(large_lists_compile_fast),
		cmocka_unit_test(set_follows_a_plain_list),
		cmocka_unit_test(last_of_equal_additions_holds),
		cmocka_unit_test(cover_and_prune_look_at_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
