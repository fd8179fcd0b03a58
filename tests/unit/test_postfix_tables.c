/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random cidr tables, of both families, with "!" and nested if/endif: an address has a result in
 * Postfix' own look-up (postmap -q) exactly where the list of that table exempts it here; and in a
 * look-up that follows the rules one by one, which needs no Postfix.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cleanup.h"
#include "config_support.h"
#include "random.h"

#define TABLES 20
#define KEYS   600 /* of each table: 12,000 look-ups */
#define RULES  40

struct rule {
	enum { RULE_MATCH, RULE_IF, RULE_ENDIF } kind;
	bool negated;
	struct prefix prefix;
};

struct table {
	struct rule rules[RULES * 2];
	size_t count;
	char path[PATH_MAX];
	struct config *config;
	struct sa_address keys[KEYS];
};

/* Addresses in the mapped notation belong to IPv6 for Postfix, and to no client. */
static struct prefix sensible_prefix(struct random *random)
{
	struct prefix prefix = random_prefix(random);
	static const struct prefix mapped = { .address = { [10] = 0xff, [11] = 0xff },
					      .length = 96 };

	/* Short ones would decide too much. */
	while (random_below(random, 3) > 0 && prefix.length < (prefix_is_ipv4(&prefix) ? 98 : 4))
		prefix = random_prefix(random);
	return prefix_equal(&prefix, &mapped) ? sensible_prefix(random) : prefix;
}

static void rule_add(struct table *table, struct random *random, int kind)
{
	table->rules[table->count++] =
		(struct rule){ kind, random_below(random, 4) == 0, sensible_prefix(random) };
}

static void table_make(struct table *table, struct random *random)
{
	const size_t wanted = 1 + random_below(random, RULES);
	size_t open = 0;

	table->count = 0;
	while (table->count < wanted) {
		const uint64_t kind = random_below(random, 6);

		if (kind == 0 && open < 5) {
			rule_add(table, random, RULE_IF);
			open++;
		} else if (kind == 1 && open > 0) {
			rule_add(table, random, RULE_ENDIF);
			open--;
		} else {
			rule_add(table, random, RULE_MATCH);
		}
	}
	for (; open > 0; open--)
		rule_add(table, random, RULE_ENDIF);
}

/* As people write it: some in upper case, some with brackets, some with blanks. */
static void rule_write(FILE *file, const struct rule *rule, struct random *random)
{
	char text[PREFIX_TEXT_SIZE];
	const bool brackets = random_below(random, 4) == 0;

	prefix_format(&rule->prefix, text);
	if (rule->kind == RULE_ENDIF) {
		(void)fputs(random_below(random, 2) ? "endif\n" : "ENDIF  \n", file);
		return;
	}
	if (rule->kind == RULE_IF)
		(void)fputs(random_below(random, 2) ? "if " : "IF\t", file);
	if (rule->negated)
		(void)fputs(random_below(random, 2) ? "!" : "! ", file);
	(void)fprintf(file, brackets ? "[%s]" : "%s", text);
	if (rule->kind == RULE_MATCH)
		(void)fputs(random_below(random, 2) ? " yes" : "\n# comment\n\tyes, indeed", file);
	(void)fputc('\n', file);
}

static void table_write(struct table *table, const char *directory, size_t number,
			struct random *random)
{
	_cleanup_fclose_ FILE *file = NULL;

	(void)snprintf(table->path, sizeof(table->path), "%s/%zu.cidr", directory, number);
	file = fopen(table->path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < table->count; i++)
		rule_write(file, &table->rules[i], random);
}

static void table_load(struct table *table)
{
	static const struct config_reader reader = { .read = config_read_file };
	struct report report = { 0 };
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text,
			     "interfaces = lo\nsmtpd_client_event_limit_exceptions = cidr:%s\n",
			     table->path) > 0);
	table->config = NULL;
	if (config_parse_buffer(TEST_FILE, text, strlen(text), &reader, &table->config, &report) !=
	    0)
		fail_msg("%s", report.entries[0].message);
	report_done(&report);
}

/* Half of them next to an edge of a rule. */
static void keys_make(struct table *table, struct random *random)
{
	for (size_t i = 0; i < KEYS; i++) {
		struct sa_address *key = &table->keys[i];
		const struct prefix *near =
			&table->rules[random_below(random, table->count)].prefix;

		*key = random_address(random);
		if (random_below(random, 2))
			memcpy(key, near->address, sizeof(near->address));
		if (random_below(random, 2)) {
			uint8_t bytes[16];

			memcpy(bytes, key, sizeof(bytes));
			bytes[15 - random_below(random, 4)] ^=
				(uint8_t)(1U << random_below(random, 8));
			memcpy(key, bytes, sizeof(bytes));
		}
	}
}

static bool applies(const struct rule *rule, const struct prefix *key)
{
	return prefix_is_ipv4(&rule->prefix) == prefix_is_ipv4(key) &&
	       prefix_covers(&rule->prefix, key) != rule->negated;
}

/* Rule by rule. */
static bool naive_match(const struct table *table, const struct sa_address *address)
{
	struct prefix key;
	size_t level = 0;
	size_t skipped_from = SIZE_MAX; /* the level whose "if" did not hold */

	prefix_of(address, 128, &key);
	for (size_t i = 0; i < table->count; i++) {
		const struct rule *rule = &table->rules[i];

		if (rule->kind == RULE_IF) {
			level++;
			if (skipped_from == SIZE_MAX && !applies(rule, &key))
				skipped_from = level;
		} else if (rule->kind == RULE_ENDIF) {
			if (skipped_from == level)
				skipped_from = SIZE_MAX;
			level--;
		} else if (skipped_from == SIZE_MAX && applies(rule, &key)) {
			return true;
		}
	}
	return false;
}

/* Which keys postmap has an answer for, in their order. */
static void ask_postmap(const char *directory, const struct table *table, bool found[static KEYS])
{
	_cleanup_free_ char *command = NULL;
	char path[PATH_MAX];
	char line[200];
	FILE *stream;
	size_t next = 0;

	(void)snprintf(path, sizeof(path), "%s/keys", directory);
	stream = fopen(path, "w");
	assert_non_null(stream);
	for (size_t i = 0; i < KEYS; i++) {
		char text[PREFIX_TEXT_SIZE];

		address_format(&table->keys[i], text);
		(void)fprintf(stream, "%s\n", text);
		found[i] = false;
	}
	assert_int_equal(fclose(stream), 0);
	assert_true(asprintf(&command, "postmap -c %s -q - cidr:%s <%s", directory, table->path,
			     path) > 0);
	stream = popen(command, "r");
	assert_non_null(stream);
	while (fgets(line, sizeof(line), stream)) {
		char text[PREFIX_TEXT_SIZE];

		line[strcspn(line, "\t")] = '\0';
		/* Keys without an answer are not printed. */
		for (;; next++) {
			assert_true(next < KEYS);
			address_format(&table->keys[next], text);
			if (strcmp(text, line) == 0)
				break;
		}
		found[next++] = true;
	}
	(void)pclose(stream); /* 1 where the last key has no answer */
}

static void check_table(struct table *table, const bool found[static KEYS], const char *who)
{
	for (size_t i = 0; i < KEYS; i++) {
		char text[PREFIX_TEXT_SIZE];

		address_format(&table->keys[i], text);
		if (config_exempts(table->config, &table->keys[i]) != found[i])
			fail_msg("%s in %s: %s here, unlike %s", text, table->path,
				 found[i] ? "no match" : "a match", who);
	}
}

static void with_tables(bool postfix)
{
	struct random random = { postfix ? 7 : 8 };
	char directory[] = "/tmp/synanvil-test-XXXXXX";
	char command[sizeof(directory) + 100];
	size_t matches = 0;
	bool found[KEYS];

	assert_non_null(mkdtemp(directory));
	(void)snprintf(command, sizeof(command),
		       "printf 'compatibility_level = 3.6\\nmyhostname = mx.example.com\\n' "
		       ">%s/main.cf",
		       directory);
	assert_int_equal(system(command), 0);
	for (size_t i = 0; i < TABLES; i++) {
		struct table table = { 0 };

		table_make(&table, &random);
		table_write(&table, directory, i, &random);
		table_load(&table);
		keys_make(&table, &random);
		if (postfix)
			ask_postmap(directory, &table, found);
		for (size_t j = 0; j < KEYS; j++) {
			if (!postfix)
				found[j] = naive_match(&table, &table.keys[j]);
			matches += found[j];
		}
		check_table(&table, found, postfix ? "postmap" : "the rules one by one");
		config_free(table.config);
	}
	/* Neither nothing nor everything. */
	assert_true(matches > TABLES * KEYS / 10 && matches < TABLES * KEYS * 9 / 10);
	(void)snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

static void test_rule_by_rule(void **state)
{
	(void)state;
	with_tables(false);
}

static void test_postmap(void **state)
{
	(void)state;
	if (system("command -v postmap >/dev/null 2>&1") != 0) {
		print_message("skipped: Postfix is not installed\n");
		skip();
	}
	with_tables(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_by_rule),
		cmocka_unit_test(test_postmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
