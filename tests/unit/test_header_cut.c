/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header_cut.c: the two kinds of cut at their edges, and against the steps that Postfix takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "header_cut.h"
#include "header_oracle.h"
#include "random.h"

static struct header_field field_of(const char *text)
{
	const char *colon = strchr(text, ':');

	return (struct header_field){ .name = text,
				      .name_size = (size_t)(colon - text),
				      .value = colon + 1,
				      .value_size = strlen(colon + 1) };
}

static void test_edges(void **state)
{
	static const struct {
		const char *text;
		size_t limit, left;
	} rows[] = {
		{ "A: 3456789", 11, 10 },
		{ "A: 3456789", 10, 10 },
		{ "A: 3456789", 9, 9 },
		{ "A:", 2, 2 },
		{ "A:", 1, 1 },
		{ "Name: v", 3, 3 },
		/* The first line ends at the limit, the second does not fit. */
		{ "A: 3456789\n x", 10, 10 },
		/* One below: the second line begins at 10, more than 9. */
		{ "A: 345678\n xyz", 10, 9 },
		/* It begins at 9, which is not more than nine tenths. */
		{ "A: 34567\n xyz", 10, 10 },
		{ "A: 34567\n x", 11, 11 },
		{ "A: 3\n b\n c\n d\n e", 10, 10 },
		{ "A:\n b", 2, 2 },
		{ "A:\n b", 3, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct header_field field = field_of(rows[i].text);
		const size_t left = header_cut(&field, rows[i].limit);

		if (left != rows[i].left)
			fail_msg("%s, limit %zu: got %zu, want %zu", rows[i].text, rows[i].limit,
				 left, rows[i].left);
	}
}

/* A line of so many bytes, then one up to size. */
static char *two_lines(size_t first, size_t size)
{
	char *text = malloc(size + 1);

	assert_non_null(text);
	memset(text, 'x', size);
	memcpy(text, "A: ", 3);
	text[first] = '\n';
	text[first + 1] = ' ';
	text[size] = '\0';
	return text;
}

/* Postfix collects just as much as the limit, and sees no line that does not fit. */
static void test_a_piece_that_ends_at_the_limit_is_kept(void **state)
{
	const size_t limit = 30000;

	(void)state;
	for (size_t first = limit - HEADER_PIECE_BYTES - 4; first < limit - HEADER_PIECE_BYTES + 4;
	     first++) {
		char *text = two_lines(first, 40000);
		const struct header_field field = field_of(text);
		const size_t want = first + 1 == limit - HEADER_PIECE_BYTES ? limit : first;

		assert_int_equal(header_cut(&field, limit), want);
		free(text);
	}
}

static void test_a_blank_that_was_eaten_counts(void **state)
{
	struct header_field field = { .name = "Name",
				      .name_size = 4,
				      .blank_eaten = true,
				      .value = "0123456789",
				      .value_size = 10 };

	(void)state;
	assert_int_equal(header_field_head(&field), 6);
	assert_int_equal(header_field_size(&field), 16);
	assert_int_equal(header_cut(&field, 16), 16);
	assert_int_equal(header_cut(&field, 15), 15);
	field.value_size = 0;
	assert_int_equal(header_cut(&field, 5), 5);
}

/* Lines of any length around a limit, some longer than a piece. */
static size_t random_field(struct random *random, char *text, size_t room)
{
	size_t used = (size_t)snprintf(text, room, "X-Name:");

	while (used < room - 5000 && random_below(random, 12) > 0) {
		const size_t line = random_below(random, 8) == 0 ? random_below(random, 4500)
								 : random_below(random, 90);

		memset(text + used, 'v', line);
		used += line;
		text[used++] = '\n';
		text[used++] = ' ';
	}
	return used;
}

static void test_as_postfix(void **state)
{
	enum { ROOM = 30000 };
	char *text = malloc(ROOM), *left = malloc(ROOM);
	struct random random = { 7 };
	unsigned cut = 0;

	(void)state;
	assert_true(text && left);
	for (int i = 0; i < 20000; i++) {
		const size_t size = random_field(&random, text, ROOM);
		const size_t limit = 1 + random_below(&random, (uint32_t)size + 10);
		const struct header_field field = {
			.name = text, .name_size = 6, .value = text + 7, .value_size = size - 7
		};
		const size_t want = oracle_cut(text, size, limit, left);
		const size_t got = header_cut(&field, limit);

		if (got != want || memcmp(left, text, want) != 0)
			fail_msg("field %d of %zu bytes, limit %zu: got %zu, want %zu", i, size,
				 limit, got, want);
		cut += want < size;
	}
	assert_in_range(cut, 10000, 20000);
	free(text);
	free(left);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_a_piece_that_ends_at_the_limit_is_kept),
		cmocka_unit_test(test_a_blank_that_was_eaten_counts),
		cmocka_unit_test(test_as_postfix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
