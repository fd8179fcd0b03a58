/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client_match.c: the first pattern that matches address or name decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client_match.h"
#include "policy_support.h"
#include "random.h"

#define PATTERNS_MAX 64
#define LONG         10007 /* no multiple of 7 */

struct list {
	struct config_pattern items[PATTERNS_MAX];
	struct config_patterns patterns;
	struct client_match *match;
};

/* Words as in Postfix' lists, "!" in front negates. */
static void list_make(struct list *list, const char *const *words)
{
	*list = (struct list){ .patterns.items = list->items };
	for (; *words; words++) {
		struct config_pattern *pattern = &list->items[list->patterns.count++];
		const char *word = *words;

		pattern->negated = *word == '!';
		word += pattern->negated;
		pattern->is_prefix = prefix_parse(word, strlen(word), PREFIX_LIST,
						  &pattern->prefix) == PREFIX_OK;
		if (!pattern->is_prefix)
			pattern->host = word;
	}
	assert_int_equal(client_match_new(&list->patterns, &list->match), 0);
}

static bool matches(const struct list *list, const char *address, const char *name)
{
	const struct sa_address client = address ? address_of(address) : (struct sa_address){ 0 };

	return client_match_exempts(list->match, address ? &client : NULL, name,
				    name ? strlen(name) : 0);
}

static void addresses_and_names(void **state)
{
	static const char *const words[] = { "10.0.0.0/8", "[2001:db8::]/32", "mail.example.org",
					     ".example.com", NULL };
	struct list list;

	(void)state;
	list_make(&list, words);
	assert_true(matches(&list, "10.1.2.3", "unknown"));
	assert_true(matches(&list, "2001:db8:1::1", NULL));
	assert_false(matches(&list, "192.0.2.1", "unknown"));
	assert_true(matches(&list, "192.0.2.1", "mail.example.org"));
	assert_true(matches(&list, "192.0.2.1", "MAIL.Example.ORG"));
	assert_true(matches(&list, NULL, "mail.example.org"));
	assert_false(matches(&list, "192.0.2.1", "x.mail.example.org"));
	assert_false(matches(&list, "192.0.2.1", "mail.example.org.evil.net"));
	assert_true(matches(&list, "192.0.2.1", "a.b.example.com"));
	assert_false(matches(&list, "192.0.2.1", "example.com"));
	assert_false(matches(&list, "192.0.2.1", "notexample.com"));
	(void)client_match_free(list.match);
}

static void first_match_decides(void **state)
{
	static const char *const words[] = { "!10.1.0.0/16", "!bad.example.com", ".example.com",
					     "10.0.0.0/8",   "10.1.0.0/16",      NULL };
	struct list list;

	(void)state;
	list_make(&list, words);
	assert_false(matches(&list, "10.1.0.1", "unknown"));
	/* The address comes first in the list, so the name does not help. */
	assert_false(matches(&list, "10.1.0.1", "good.example.com"));
	assert_true(matches(&list, "10.2.0.1", "unknown"));
	assert_false(matches(&list, "10.2.0.1", "bad.example.com"));
	assert_true(matches(&list, "192.0.2.1", "good.example.com"));
	(void)client_match_free(list.match);
}

static void odd_names_match_nothing(void **state)
{
	static const char *const words[] = { ".example.com", NULL };
	char name[CLIENT_NAME_MAX + 30];
	struct list list;

	(void)state;
	list_make(&list, words);
	memset(name, 'a', sizeof(name));
	memcpy(name + CLIENT_NAME_MAX - 12, ".example.com", 13);
	assert_true(client_match_exempts(list.match, NULL, name, CLIENT_NAME_MAX));
	memset(name, 'a', sizeof(name));
	memcpy(name + CLIENT_NAME_MAX - 11, ".example.com", 13);
	assert_false(client_match_exempts(list.match, NULL, name, CLIENT_NAME_MAX + 1));
	assert_false(client_match_exempts(list.match, NULL, "a\0.example.com", 14));
	assert_false(client_match_exempts(list.match, NULL, "", 0));
	(void)client_match_free(list.match);
}

/* IPv6 prefixes never cover IPv4, not even ::/0. */
static void families_are_apart(void **state)
{
	static const char *const words[] = { "[::]/0", NULL };
	static const char *const all_ipv4[] = { "0.0.0.0/0", NULL };
	struct list list;

	(void)state;
	list_make(&list, words);
	assert_false(matches(&list, "192.0.2.1", NULL));
	assert_true(matches(&list, "2001:db8::1", NULL));
	(void)client_match_free(list.match);
	list_make(&list, all_ipv4);
	assert_true(matches(&list, "192.0.2.1", NULL));
	assert_false(matches(&list, "2001:db8::1", NULL));
	(void)client_match_free(list.match);
}

/* Against the list read from front to back. */
static bool slowly(const struct list *list, const struct sa_address *address)
{
	struct prefix full;

	prefix_of(address, 128, &full);
	for (size_t i = 0; i < list->patterns.count; i++)
		if (prefix_covers(&list->items[i].prefix, &full))
			return !list->items[i].negated;
	return false;
}

static void random_lists(void **state)
{
	struct random random = { 1 };
	struct list list;

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		list = (struct list){ .patterns.items = list.items };
		list.patterns.count = random_below(&random, PATTERNS_MAX);
		for (size_t i = 0; i < list.patterns.count; i++) {
			list.items[i].is_prefix = true;
			list.items[i].negated = random_below(&random, 2);
			list.items[i].prefix = random_prefix(&random);
		}
		assert_int_equal(client_match_new(&list.patterns, &list.match), 0);
		for (unsigned i = 0; i < 200; i++) {
			const struct sa_address address = random_address(&random);

			assert_int_equal(client_match_exempts(list.match, &address, NULL, 0),
					 slowly(&list, &address));
		}
		(void)client_match_free(list.match);
	}
}

/* Of equal prefixes the first decides, in either family and at both ends of a length's array. */
static void equal_prefixes(void **state)
{
	static const char *const words[] = {
		"!0.0.0.0",         "0.0.0.0",          "255.255.255.255",
		"!255.255.255.255", "192.0.2.1",        "!192.0.2.1",
		"![2001:db8::1]",   "[2001:db8::1]",    "[2001:db8::2]",
		"![2001:db8::2]",   "[::1:0:0/96]",     "!192.0.2.0/24",
		"192.0.2.128/25",   "![2001:db8::/32]", NULL
	};
	struct list list;

	(void)state;
	list_make(&list, words);
	assert_false(matches(&list, "0.0.0.0", NULL));
	assert_true(matches(&list, "255.255.255.255", NULL));
	assert_true(matches(&list, "192.0.2.1", NULL));
	assert_false(matches(&list, "192.0.2.2", NULL));
	assert_false(matches(&list, "192.0.2.129", NULL));
	assert_false(matches(&list, "2001:db8::1", NULL));
	assert_true(matches(&list, "2001:db8::2", NULL));
	assert_false(matches(&list, "2001:db8::3", NULL));
	/* As long as a mapped one, with the same last bits, but IPv6. */
	assert_true(matches(&list, "::1:192.0.2.9", NULL));
	(void)client_match_free(list.match);
}

/* An address by the network of that number, IPv4 where it is odd: below an offset of 4 in it. */
static struct sa_address numbered(size_t number, uint8_t offset)
{
	const uint8_t high = (uint8_t)(number >> 8), low = (uint8_t)number;
	const uint8_t ipv4[16] = { [10] = 0xff, 0xff, 10, high, low, offset };
	const uint8_t ipv6[16] = {
		0x20, 1, 0x0d, 0xb8, high, low, 0, offset & 4, 1, [15] = offset
	};
	struct sa_address address;

	memcpy(&address, number % 2 ? ipv4 : ipv6, sizeof(address));
	return address;
}

/* Long enough for every way through the search; each network has gaps beside it. */
static void long_lists(void **state)
{
	struct config_pattern *items = calloc(LONG, sizeof(*items));
	const struct config_patterns patterns = { items, LONG };
	struct client_match *match;

	(void)state;
	for (size_t i = 0; i < LONG; i++) {
		const struct sa_address address = numbered(i, 0);

		/* Not in the order of the addresses. */
		items[i * 7 % LONG].is_prefix = true;
		prefix_of(&address, i % 2 ? 96 + 30 : 64, &items[i * 7 % LONG].prefix);
	}
	assert_int_equal(client_match_new(&patterns, &match), 0);
	for (size_t i = 0; i < LONG; i++) {
		const struct sa_address in = numbered(i, 3), beside = numbered(i, 4);

		assert_true(client_match_exempts(match, &in, NULL, 0));
		assert_false(client_match_exempts(match, &beside, NULL, 0));
	}
	(void)client_match_free(match);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_names),
		cmocka_unit_test(first_match_decides),
		cmocka_unit_test(odd_names_match_nothing),
		cmocka_unit_test(families_are_apart),
		cmocka_unit_test(random_lists),
		cmocka_unit_test(equal_prefixes),
		cmocka_unit_test(long_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
