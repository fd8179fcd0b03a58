/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * milter_totals.c, milter_store.c: reports add up, whatever order, repetition or restart they come
 * through; and what the milter makes of a configuration and its exceptions (header_rules.c,
 * config_milter.c, config_exempts.c).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_support.h"
#include "header_rules.h"
#include "message_counts.h"
#include "milter_totals.h"

static int report_from(struct milter_totals *totals, unsigned instance, json_int_t accepted,
		       json_int_t cut, bool *ret_changed)
{
	char name[MILTER_INSTANCE_DIGITS + 1];
	char *refusal = NULL;
	json_t *arguments;
	int error;

	(void)snprintf(name, sizeof(name), "%032x", instance);
	arguments = json_pack("{s:s, s:{s:I, s:I, s:i, s:i, s:i}}", "instance", name, "messages",
			      "accept", accepted, "truncate", cut, "reject", 0, "would_truncate", 0,
			      "would_reject", 0);
	error = milter_totals_add(totals, arguments, ret_changed, &refusal);
	free(refusal);
	json_decref(arguments);
	return error;
}

static void test_reports_add_up(void **state)
{
	struct milter_totals totals = { 0 };
	bool changed;

	(void)state;
	assert_int_equal(report_from(&totals, 1, 5, 1, &changed), 0);
	assert_true(changed);
	assert_int_equal(report_from(&totals, 1, 5, 1, &changed), 0);
	assert_false(changed);
	assert_int_equal(report_from(&totals, 2, 7, 0, &changed), 0);
	assert_int_equal(report_from(&totals, 1, 6, 1, &changed), 0);
	/* One that was overtaken. */
	assert_int_equal(report_from(&totals, 1, 5, 1, &changed), 0);
	assert_false(changed);
	assert_int_equal(totals.messages[MILTER_ACCEPT], 13);
	assert_int_equal(totals.messages[MILTER_TRUNCATE], 1);
	assert_int_equal(report_from(&totals, 1, -1, 1, &changed), -EINVAL);
	assert_int_equal(totals.messages[MILTER_ACCEPT], 13);
}

static void test_many_instances(void **state)
{
	struct milter_totals totals = { 0 };
	bool changed;

	(void)state;
	for (unsigned i = 0; i < 2 * MILTER_INSTANCES; i++) {
		assert_int_equal(report_from(&totals, i, 1, 0, &changed), 0);
		/* The first goes on reporting, so it is never forgotten. */
		assert_int_equal(report_from(&totals, 0, i + 1, 0, &changed), 0);
	}
	assert_int_equal(totals.count, MILTER_INSTANCES);
	assert_int_equal(totals.messages[MILTER_ACCEPT], 4 * MILTER_INSTANCES - 1);
}

static void test_what_is_no_report(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"instance\": \"0\"}",
		"{\"instance\": \"0123456789abcdef0123456789abcdeX\", \"messages\": {}}",
		"{\"instance\": \"0123456789abcdef0123456789abcdef\", \"messages\": {\"accept\": "
		"1}}",
		"{\"instance\": 5, \"messages\": []}",
	};
	struct milter_totals totals = { 0 };
	bool changed;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *arguments = json_loads(texts[i], 0, NULL);
		char *refusal = NULL;

		assert_non_null(arguments);
		assert_int_equal(milter_totals_add(&totals, arguments, &changed, &refusal),
				 -EINVAL);
		assert_non_null(refusal);
		free(refusal);
		json_decref(arguments);
	}
	assert_int_equal(totals.count, 0);
}

static void test_store(void **state)
{
	char directory[] = "/tmp/test-milter-XXXXXX", path[64];
	struct milter_totals totals = { 0 }, back = { 0 };
	bool changed;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/milter", directory);
	assert_int_equal(milter_totals_load(directory, &back), 0);
	assert_int_equal(back.count, 0);
	assert_int_equal(report_from(&totals, 3, 5, 1, &changed), 0);
	assert_int_equal(report_from(&totals, 4, 5, 1, &changed), 0);
	assert_int_equal(milter_totals_store(directory, &totals), 0);
	assert_int_equal(milter_totals_store(directory, &totals), 0);
	assert_int_equal(milter_totals_load(directory, &back), 0);
	assert_memory_equal(&back, &totals, sizeof(totals));
	/* The report after the restart adds only what is new. */
	assert_int_equal(report_from(&back, 3, 6, 1, &changed), 0);
	assert_int_equal(back.messages[MILTER_ACCEPT], 11);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs("{\"version\": 1, \"instances\": []", file);
	(void)fclose(file);
	assert_int_equal(milter_totals_load(directory, &back), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

/* --- what holds for a client --- */

static struct header_judgement judged(struct header_rules *rules, const char *address,
				      const char *name)
{
	struct header_judgement judgement = { .name = name, .known = address != NULL };

	if (address)
		assert_int_equal(address_parse(address, &judgement.address), 0);
	header_rules_judge(rules, &judgement);
	return judgement;
}

static void test_rules(void **state)
{
	struct prefix *exceptions = calloc(1, sizeof(*exceptions));
	struct header_judgement client;
	struct header_rules rules;

	(void)state;
	assert_int_equal(
		header_rules_init(&rules,
				  must_load(MINIMAL
					    "header_size_limit = 500\n"
					    "smtpd_client_event_limit_exceptions = "
					    "!10.0.0.9, 10.0.0.0/8, !bad.example.com, "
					    ".example.com, mx.example.org, [2001:db8::]/32\n"),
				  (struct wall_ms){ 1 }),
		0);
	assert_true(judged(&rules, "10.0.0.1", "unknown").exempt);
	assert_false(judged(&rules, "10.0.0.9", "a.example.com").exempt);
	assert_true(judged(&rules, "192.0.2.1", "A.Example.COM").exempt);
	assert_false(judged(&rules, "192.0.2.1", "bad.example.com").exempt);
	assert_false(judged(&rules, "192.0.2.1", "example.com").exempt);
	assert_true(judged(&rules, "192.0.2.1", "mx.example.org").exempt);
	assert_false(judged(&rules, "192.0.2.1", "a.mx.example.org").exempt);
	assert_false(judged(&rules, "192.0.2.1", "unknown").exempt);
	assert_true(judged(&rules, "2001:db8::1", NULL).exempt);
	assert_false(judged(&rules, NULL, "unknown").exempt);
	assert_true(judged(&rules, NULL, "mx.example.org").exempt);
	client = judged(&rules, "192.0.2.1", "unknown");
	assert_int_equal(client.limits.field_bytes, 500);
	assert_non_null(exceptions);
	assert_int_equal(prefix_parse("192.0.2.0/24", 12, PREFIX_ANY, exceptions), PREFIX_OK);
	header_rules_except(&rules, exceptions, 1);
	header_rules_judge(&rules, &client);
	assert_true(client.exempt);
	/* Those of run time stay over a reload, and win over the list. */
	header_rules_configure(&rules,
			       must_load(MINIMAL "header_size_limit = 700\n"
						 "enforcement = monitor\n"
						 "smtpd_client_event_limit_exceptions = "
						 "!192.0.2.1\n"),
			       (struct wall_ms){ 2 });
	header_rules_judge(&rules, &client);
	assert_true(client.exempt && client.limits.monitor);
	assert_int_equal(client.limits.field_bytes, 700);
	header_rules_except(&rules, NULL, 0);
	header_rules_judge(&rules, &client);
	assert_false(client.exempt);
	header_rules_done(&rules);
}

static void test_usable(void **state)
{
	static const struct {
		const char *text;
		bool usable;
	} rows[] = {
		{ MINIMAL, false },
		{ MINIMAL "header_size_limit = 59999\n", true },
		{ MINIMAL "header_size_limit = 60000\n", false },
		{ MINIMAL "header_size_limit = 60000\nheader_size_action = reject\n", false },
		{ MINIMAL "header_count_limit = 100\n", true },
		{ MINIMAL "header_count_limit = -1\n", false },
		{ MINIMAL "header_total_size_limit = 100000\n", true },
		{ MINIMAL "header_size_limit = 100\nmilter_listen =\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config = must_load(rows[i].text);
		struct report report = { 0 };
		const int r = config_milter_usable(config, &report);

		assert_int_equal(r, rows[i].usable ? 0 : -EINVAL);
		assert_int_equal(report.errors, rows[i].usable ? 0 : 1);
		report_done(&report);
		config_free(config);
	}
}

static void test_listeners(void **state)
{
	struct config_listener *listeners;
	size_t count;

	(void)state;
	assert_int_equal(config_listeners("inet:127.0.0.1:10726, inet:[::1]:25 unix:/run/a",
					  &listeners, &count),
			 0);
	assert_int_equal(count, 3);
	assert_string_equal(listeners[0].host, "127.0.0.1");
	assert_int_equal(listeners[0].port, 10726);
	assert_string_equal(listeners[1].host, "::1");
	assert_int_equal(listeners[1].port, 25);
	assert_true(listeners[2].is_unix);
	assert_string_equal(listeners[2].path, "/run/a");
	config_listeners_free(listeners, count);
	assert_int_equal(config_listeners("", &listeners, &count), 0);
	assert_int_equal(count, 0);
	config_listeners_free(listeners, count);
}

static void test_report_of_counts(void **state)
{
	struct message_counts counts = { .instance = "0123456789abcdef0123456789abcdef" };
	struct message_counts_copy copy;
	struct milter_totals totals = { 0 };
	char *refusal = NULL;
	json_t *arguments;
	bool changed;

	(void)state;
	message_counts_add(&counts, MILTER_ACCEPT);
	message_counts_add(&counts, MILTER_WOULD_REJECT);
	message_counts_add(&counts, MILTER_WOULD_REJECT);
	message_counts_read(&counts, &copy);
	arguments = message_counts_report(&counts, &copy, "v");
	assert_int_equal(milter_totals_add(&totals, arguments, &changed, &refusal), 0);
	assert_int_equal(totals.messages[MILTER_ACCEPT], 1);
	assert_int_equal(totals.messages[MILTER_WOULD_REJECT], 2);
	json_decref(arguments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports_add_up),
		cmocka_unit_test(test_many_instances),
		cmocka_unit_test(test_what_is_no_report),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_usable),
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_report_of_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
