/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter in front of a trie lets through every address of every prefix that was added, and few
 * others while the prefixes are few.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "random.h"

static struct sa_filter filter;

static struct prefix prefix_at(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, strlen(text), PREFIX_ANY, &prefix), PREFIX_OK);
	return prefix;
}

static bool passes(const char *text)
{
	struct sa_address address;

	assert_int_equal(address_parse(text, &address), 0);
	return filter_passes(&filter, &address);
}

static void fresh(const char *text)
{
	struct prefix prefix = prefix_at(text);

	memset(&filter, 0, sizeof(filter));
	filter_add(&filter, &prefix);
}

static unsigned bits(int family)
{
	unsigned count = 0;

	for (size_t i = 0; i < SA_FILTER_WORDS; i++)
		count += (unsigned)__builtin_popcountll(filter.bits[family][i]);
	return count;
}

static void test_ipv4(void **state)
{
	(void)state;
	fresh("192.0.2.0/24");
	assert_true(passes("192.0.2.255"));
	assert_true(passes("192.0.3.1"));
	assert_false(passes("192.1.2.0"));
	assert_false(passes("2001:db8::1"));
	assert_int_equal(bits(SA_FAMILY_IPV4), 1);
	fresh("10.0.0.0/8");
	assert_true(passes("10.0.0.0"));
	assert_true(passes("10.255.255.255"));
	assert_false(passes("11.0.0.0"));
	assert_false(passes("9.255.255.255"));
	assert_int_equal(bits(SA_FAMILY_IPV4), 256);
	fresh("0.0.0.0/0");
	assert_int_equal(bits(SA_FAMILY_IPV4), 65536);
	assert_int_equal(bits(SA_FAMILY_IPV6), 0);
}

static void test_ipv6(void **state)
{
	(void)state;
	fresh("2001:db8::/32");
	assert_true(passes("2001:db8:ffff::1"));
	assert_false(passes("2001:db9::1"));
	assert_false(passes("192.0.2.1"));
	assert_int_equal(bits(SA_FAMILY_IPV6), 1);
	fresh("2001:db8:1:2::/64");
	assert_true(passes("2001:db8:1:2::1"));
	assert_int_equal(bits(SA_FAMILY_IPV6), 1);
	fresh("2a00::/18");
	assert_true(passes("2a00:3fff::1"));
	fresh("2000::/3");
	assert_int_equal(bits(SA_FAMILY_IPV6), 65536);
	assert_int_equal(bits(SA_FAMILY_IPV4), 0);
	fresh("::/0");
	assert_int_equal(bits(SA_FAMILY_IPV6), 65536);
}

static struct sa_address any_address(struct random *random)
{
	struct sa_address address = { .high_be = random_next(random),
				      .low_be = random_next(random) };
	uint32_t words[4];

	memcpy(words, &address, sizeof(words));
	if (words[3] & 1) {
		words[0] = words[1] = 0;
		words[2] = __builtin_bswap32(0xffff);
	}
	memcpy(&address, words, sizeof(address));
	return address;
}

/* Whatever a random prefix covers passes a filter that holds it, whatever else the filter holds. */
static void test_covered_passes(void **state)
{
	struct random random = { .state = 42 };

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct sa_address address = any_address(&random);
		struct prefix prefix;

		prefix_of(&address, 128, &prefix);
		prefix_of(&address,
			  (uint8_t)(prefix_is_ipv4(&prefix) ? 96 + random_next(&random) % 33
							    : random_next(&random) % 129),
			  &prefix);
		if (round % 20 == 0)
			memset(&filter, 0, sizeof(filter));
		filter_add(&filter, &prefix);
		assert_true(filter_passes(&filter, &address));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_covered_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
