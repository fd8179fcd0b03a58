/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which texts are numbers and times: the rows, and, where Postfix is installed, its own programs
 * accept and refuse the same.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "parse.h"

#define SECOND_UNIT 's'

struct row {
	const char *text;
	bool valid;
};

/* As the value of hash_queue_depth: an int from 1 to 100 or so, so the valid ones are small. */
static const struct row numbers[] = {
	{ "7", true },           { "07", true },
	{ "+7", true },          { "0000000000007", true },
	{ "", false },           { "7k", false },
	{ "7 7", false },        { "0x7", false },
	{ "7.0", false },        { "1e1", false },
	{ "7,", false },         { "seven", false },
	{ "+-7", false },        { "- 7", false },
	{ "2147483648", false }, { "9223372036854775808", false },
	{ "7\\", false },        { "\"7\"", false },
};

/* As the value of ipc_timeout: at least one second, in seconds without a unit. */
static const struct row times[] = {
	{ "7", true },      { "7s", true },         { "7m", true },       { "7h", true },
	{ "7d", true },     { "7w", true },         { "7seconds", true }, { "1h30m", true },
	{ "+7s", true },    { "007s", true },       { "3549w", true },    { "2147483647", true },
	{ "", false },      { "7S", false },        { "7y", false },      { "7 s", false },
	{ "1.5h", false },  { "-7s", false },       { "x", false },       { "2147483648", false },
	{ "3550w", false }, { "35791395m", false }, { "7ms", true },
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static bool number_valid(const char *text)
{
	long value;

	return parse_long(text, &value) == 0 && value >= INT_MIN && value <= INT_MAX;
}

static bool time_valid(const char *text)
{
	int value;

	return parse_time(text, SECOND_UNIT, &value) == 0;
}

static void check_rows(const struct row *rows, size_t count, bool (*valid)(const char *text))
{
	for (size_t i = 0; i < count; i++) {
		if (valid(rows[i].text) != rows[i].valid)
			fail_msg("\"%s\" is %s here", rows[i].text,
				 rows[i].valid ? "refused" : "accepted");
	}
}

static void test_rows(void **state)
{
	(void)state;
	check_rows(numbers, COUNT(numbers), number_valid);
	check_rows(times, COUNT(times), time_valid);
}

/* Starts a program of Postfix that reads the parameter. */
static FILE *start(const char *directory, const char *name, size_t number, const char *value)
{
	char text[PATH_MAX + 100];
	FILE *file;

	(void)snprintf(text, sizeof(text), "%s/%s%zu", directory, name, number);
	assert_int_equal(mkdir(text, 0700), 0);
	(void)snprintf(text, sizeof(text), "%s/%s%zu/main.cf", directory, name, number);
	file = fopen(text, "w");
	assert_non_null(file);
	(void)fprintf(file, "compatibility_level = 3.6\nmyhostname = mx.example.com\n%s = %s\n",
		      name, value);
	assert_int_equal(fclose(file), 0);
	(void)snprintf(text, sizeof(text),
		       "postmap -c %s/%s%zu -q 10.0.0.1 'cidr:{{10.0.0.1 x}}' 2>/dev/null",
		       directory, name, number);
	file = popen(text, "r");
	assert_non_null(file);
	return file;
}

/* All at once: one that refuses takes a second to say so. */
static void ask(const char *directory, const char *name, const struct row *rows, size_t count)
{
	FILE *running[COUNT(numbers) + COUNT(times)];

	for (size_t i = 0; i < count; i++)
		running[i] = start(directory, name, i, rows[i].text);
	for (size_t i = 0; i < count; i++) {
		char answer[10] = "";
		const bool valid = fgets(answer, sizeof(answer), running[i]) && answer[0] == 'x';

		(void)pclose(running[i]);
		if (valid != rows[i].valid)
			fail_msg("%s = \"%s\" is %s by Postfix", name, rows[i].text,
				 valid ? "accepted" : "refused");
	}
}

static void test_postfix_agrees(void **state)
{
	char directory[] = "/tmp/synanvil-test-XXXXXX";
	char remove[sizeof(directory) + 20];

	(void)state;
	if (system("command -v postmap >/dev/null 2>&1") != 0) {
		print_message("skipped: Postfix is not installed\n");
		skip();
	}
	assert_non_null(mkdtemp(directory));
	ask(directory, "hash_queue_depth", numbers, COUNT(numbers));
	ask(directory, "ipc_timeout", times, COUNT(times));
	(void)snprintf(remove, sizeof(remove), "rm -r %s", directory);
	assert_int_equal(system(remove), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_postfix_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
