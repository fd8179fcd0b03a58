/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes: what is accepted and refused, printing and reading back, covering compared with a bit
 * by bit definition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefix.h"

struct row {
	const char *text;
	enum prefix_error list; /* in an address list */
	enum prefix_error any;  /* on the command line */
	const char *printed;    /* NULL where nothing is to be had */
};

static const struct row rows[] = {
	{ "10.1.0.5", PREFIX_OK, PREFIX_OK, "10.1.0.5" },
	{ "10.1.0.5/32", PREFIX_OK, PREFIX_OK, "10.1.0.5" },
	{ "10.0.0.0/8", PREFIX_OK, PREFIX_OK, "10.0.0.0/8" },
	{ "0.0.0.0/0", PREFIX_OK, PREFIX_OK, "0.0.0.0/0" },
	{ "[10.0.0.0]/8", PREFIX_OK, PREFIX_OK, "10.0.0.0/8" },
	{ "[10.0.0.0/8]", PREFIX_OK, PREFIX_OK, "10.0.0.0/8" },
	{ "[::1]", PREFIX_OK, PREFIX_OK, "::1" },
	{ "[::1]/128", PREFIX_OK, PREFIX_OK, "::1" },
	{ "[2001:db8::]/84", PREFIX_OK, PREFIX_OK, "2001:db8::/84" },
	{ "[2001:DB8::/84]", PREFIX_OK, PREFIX_OK, "2001:db8::/84" },
	{ "[::]/0", PREFIX_OK, PREFIX_OK, "::/0" },
	{ "[::ffff:127.0.0.0]/104", PREFIX_OK, PREFIX_OK, "127.0.0.0/8" },
	{ "[::ffff:0:0]/96", PREFIX_OK, PREFIX_OK, "0.0.0.0/0" },
	{ "[::ffff:192.0.2.1]", PREFIX_OK, PREFIX_OK, "192.0.2.1" },
	{ "2001:db8::/84", PREFIX_UNBRACKETED, PREFIX_OK, "2001:db8::/84" },
	{ "::1", PREFIX_UNBRACKETED, PREFIX_OK, "::1" },
	{ "2001:db8::1/84", PREFIX_UNBRACKETED, PREFIX_HOST_BITS, "2001:db8::/84" },
	{ "10.0.0.1/8", PREFIX_HOST_BITS, PREFIX_HOST_BITS, "10.0.0.0/8" },
	{ "10.0.0.1/31", PREFIX_HOST_BITS, PREFIX_HOST_BITS, "10.0.0.0/31" },
	{ "1.2.3.4/0", PREFIX_HOST_BITS, PREFIX_HOST_BITS, "0.0.0.0/0" },
	{ "[2001:db8::1]/127", PREFIX_HOST_BITS, PREFIX_HOST_BITS, "2001:db8::/127" },
	{ "[::ffff:127.0.0.1]/104", PREFIX_HOST_BITS, PREFIX_HOST_BITS, "127.0.0.0/8" },
	{ "10.0.0.0/33", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "10.0.0.0/", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "10.0.0.0/-1", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "10.0.0.0/+8", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "10.0.0.0/8x", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "10.0.0.0/8/8", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "10.0.0.0/4294967304", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "[::]/129", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "[::/]", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "[::]/", PREFIX_BAD_LENGTH, PREFIX_BAD_LENGTH, NULL },
	{ "", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "/8", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "[", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "[]", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "[::1", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "::1]", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "[::1]x", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "[::/8]/8", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "[[::1]]", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "10.0.0", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "010.0.0.0/8", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "256.0.0.0", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "10.0.0.0 /8", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ " 10.0.0.0", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "fe80::1%eth0", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "2001:db8:::1", PREFIX_BAD_ADDRESS, PREFIX_BAD_ADDRESS, NULL },
	{ "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20", PREFIX_BAD_ADDRESS,
	  PREFIX_BAD_ADDRESS, NULL },
};

static void check_syntax(const struct row *row, enum prefix_syntax syntax, enum prefix_error want)
{
	struct prefix prefix;
	char text[PREFIX_TEXT_SIZE];
	const enum prefix_error got = prefix_parse(row->text, strlen(row->text), syntax, &prefix);

	if (got != want)
		fail_msg("\"%s\": got \"%s\", want \"%s\"", row->text, prefix_error_text(got),
			 prefix_error_text(want));
	if (!row->printed)
		return;
	prefix_format(&prefix, text);
	assert_string_equal(text, row->printed);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_syntax(&rows[i], PREFIX_LIST, rows[i].list);
		check_syntax(&rows[i], PREFIX_ANY, rows[i].any);
	}
}

static void test_size_is_respected(void **state)
{
	struct prefix prefix;

	(void)state;
	assert_int_equal(prefix_parse("10.0.0.0/80", 10, PREFIX_ANY, &prefix), PREFIX_OK);
	assert_int_equal(prefix.length, 96 + 8);
	assert_int_equal(prefix_parse("1.2.3.4\0x", 9, PREFIX_ANY, &prefix), PREFIX_BAD_ADDRESS);
}

/* Small numbers of bits that differ, both families, all lengths: pairs that are nearly equal come
 * up often. */
static void random_prefix(struct prefix *prefix)
{
	struct sa_address address = { 0 };
	uint8_t bytes[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	const bool ipv4 = random() % 2 == 0;

	if (ipv4) {
		memset(bytes, 0, sizeof(bytes));
		memset(bytes + 10, 0xff, 2);
	}
	for (unsigned i = ipv4 ? 12 : 0; i < 16; i++)
		bytes[i] ^= (uint8_t)(random() % 8 == 0 ? 1U << random() % 8 : 0);
	memcpy(&address, bytes, sizeof(address));
	prefix_of(&address, (uint8_t)(ipv4 ? 96 + random() % 33 : random() % 129), prefix);
}

static bool bit(const struct prefix *prefix, unsigned i)
{
	return prefix->address[i / 8] >> (7 - i % 8) & 1;
}

static bool covers_bit_by_bit(const struct prefix *outer, const struct prefix *inner)
{
	if (prefix_is_ipv4(inner) && outer->length < 96)
		return false;
	if (outer->length > inner->length)
		return false;
	for (unsigned i = 0; i < outer->length; i++) {
		if (bit(outer, i) != bit(inner, i))
			return false;
	}
	return true;
}

static void test_covers(void **state)
{
	unsigned covered = 0;

	(void)state;
	srandom(1);
	for (unsigned i = 0; i < 200000; i++) {
		struct prefix a;
		struct prefix b;

		random_prefix(&a);
		random_prefix(&b);
		assert_int_equal(prefix_covers(&a, &b), covers_bit_by_bit(&a, &b));
		covered += prefix_covers(&a, &b);
		assert_int_equal(prefix_equal(&a, &b),
				 prefix_covers(&a, &b) && prefix_covers(&b, &a));
		/* Order: antisymmetric, and what covers comes first. */
		assert_int_equal(prefix_compare(&a, &b) < 0, prefix_compare(&b, &a) > 0);
		if (prefix_covers(&a, &b))
			assert_true(prefix_compare(&a, &b) <= 0);
	}
	assert_true(covered > 1000);
}

static void test_print_and_read(void **state)
{
	(void)state;
	srandom(2);
	for (unsigned i = 0; i < 50000; i++) {
		struct prefix prefix;
		struct prefix again;
		char text[PREFIX_TEXT_SIZE];

		random_prefix(&prefix);
		prefix_format(&prefix, text);
		assert_int_equal(prefix_parse(text, strlen(text), PREFIX_ANY, &again), PREFIX_OK);
		assert_memory_equal(&prefix, &again, sizeof(prefix));
	}
}

static void test_ipv6_never_covers_ipv4(void **state)
{
	struct prefix all_ipv6;
	struct prefix all_ipv4;
	struct prefix host;

	(void)state;
	assert_int_equal(prefix_parse("::/0", 4, PREFIX_ANY, &all_ipv6), PREFIX_OK);
	assert_int_equal(prefix_parse("0.0.0.0/0", 9, PREFIX_ANY, &all_ipv4), PREFIX_OK);
	assert_int_equal(prefix_parse("192.0.2.1", 9, PREFIX_ANY, &host), PREFIX_OK);
	assert_false(prefix_covers(&all_ipv6, &host));
	assert_false(prefix_covers(&all_ipv6, &all_ipv4));
	assert_true(prefix_covers(&all_ipv4, &host));
}

static void test_addresses(void **state)
{
	struct sa_address address;
	char text[PREFIX_TEXT_SIZE];

	(void)state;
	assert_int_equal(address_parse("[2001:db8::7]", &address), 0);
	address_format(&address, text);
	assert_string_equal(text, "2001:db8::7");
	assert_int_equal(address_parse("::ffff:192.0.2.7", &address), 0);
	address_format(&address, text);
	assert_string_equal(text, "192.0.2.7");
	assert_int_not_equal(address_parse("192.0.2.7/32", &address), 0);
	assert_int_not_equal(address_parse("[::1/128]", &address), 0);
	assert_int_not_equal(address_parse("localhost", &address), 0);
	assert_int_not_equal(address_parse("", &address), 0);
}

static void test_key(void **state)
{
	static const uint8_t want[16] = { [10] = 0xff, [11] = 0xff, [12] = 10 };
	struct prefix prefix;
	struct sa_prefix key;

	(void)state;
	assert_int_equal(prefix_parse("10.0.0.0/8", 10, PREFIX_ANY, &prefix), PREFIX_OK);
	prefix_key(&prefix, &key);
	assert_int_equal(key.length, 104);
	assert_memory_equal(key.address, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_size_is_respected),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_print_and_read),
		cmocka_unit_test(test_ipv6_never_covers_ipv4),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
