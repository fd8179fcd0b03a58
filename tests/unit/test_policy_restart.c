/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The message path across a restart: its counters, and what becomes of them if their file is
 * damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy_lab.h"

#define A "192.0.2.1"
#define B "192.0.2.2"

static void counters_survive_a_restart(void **state)
{
	struct policy_lab *lab = *state;
	char path[96];

	limit(lab, 2, 0);
	lab->now = mono_now();
	(void)ask(lab, POLICY_DATA, A, "1");
	(void)ask(lab, POLICY_DATA, A, "2");
	lab_stop(lab, DAEMON_KEEP);
	lab_start(lab);
	assert_string_equal(ask(lab, POLICY_END_OF_MESSAGE, A, "2"), "DUN");
	assert_string_equal(ask(lab, POLICY_DATA, A, "3"), "450");
	assert_string_equal(ask(lab, POLICY_DATA, B, "4"), "DUN");
	(void)snprintf(path, sizeof(path), "%s/counters", lab->directory);
	assert_int_equal(access(path, F_OK), -1);
	/* A stop is an end. */
	lab_stop(lab, DAEMON_DETACH);
	assert_int_equal(access(path, F_OK), -1);
	lab_start(lab);
	assert_string_equal(ask(lab, POLICY_DATA, A, "3"), "DUN");
}

static void damaged_counters_start_fresh(void **state)
{
	struct policy_lab *lab = *state;
	char path[96];
	FILE *file;

	limit(lab, 1, 0);
	lab->now = mono_now();
	(void)ask(lab, POLICY_DATA, A, "1");
	lab_stop(lab, DAEMON_KEEP);
	(void)snprintf(path, sizeof(path), "%s/counters", lab->directory);
	file = fopen(path, "r+e");
	assert_non_null(file);
	assert_int_equal(fseek(file, -20, SEEK_END), 0);
	assert_int_equal(fputc('x', file), 'x');
	assert_int_equal(fclose(file), 0);
	lab_start(lab);
	assert_int_equal(access(path, F_OK), -1);
	assert_string_equal(ask(lab, POLICY_DATA, A, "2"), "DUN");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		TEST(counters_survive_a_restart),
		TEST(damaged_counters_start_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
