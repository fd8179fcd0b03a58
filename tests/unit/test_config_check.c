/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit, each warning with and without its cause; files that are none; what a reload cannot
 * change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_check.h"
#include "config_support.h"

static void test_needs_restart(void **state)
{
	struct config *a = must_load(MINIMAL);
	struct config *b = must_load(MINIMAL "source_table_size = 4096\n");
	struct config *c = must_load(MINIMAL "enforcement = monitor\nstate_directory = /tmp\n");

	(void)state;
	assert_string_equal(config_needs_restart(a, b), "source_table_size");
	assert_null(config_needs_restart(a, c));
	config_free(a);
	config_free(b);
	config_free(c);
}

static void refuse_path(const char *path, const char *words)
{
	struct report report = { 0 };
	struct config *config = NULL;

	assert_int_equal(config_load(path, &config, &report), -EINVAL);
	assert_int_equal(report.count, 1);
	assert_string_equal(report.entries[0].file, path);
	assert_true(reported(&report, REPORT_ERROR, 0, words));
	report_done(&report);
}

static void test_files(void **state)
{
	char directory[] = "/tmp/synanvil-test-XXXXXX";
	char path[sizeof(directory) + 20];
	struct report report = { 0 };
	struct config *config = NULL;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	refuse_path(directory, "not a regular file");
	refuse_path("/dev/null", "not a regular file");
	(void)snprintf(path, sizeof(path), "%s/test.cf", directory);
	refuse_path(path, "No such file");
	assert_int_equal(mkfifo(path, 0600), 0);
	refuse_path(path, "not a regular file");
	assert_int_equal(unlink(path), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite("interfaces = lo\n\nx\0y", 1, 20, file), 20);
	assert_int_equal(fclose(file), 0);
	refuse_path(path, "NUL byte");
	assert_int_equal(truncate(path, 16), 0);
	assert_int_equal(config_load(path, &config, &report), 0);
	assert_string_equal(config->file, path);
	config_free(config);
	assert_int_equal(truncate(path, 17L * 1024 * 1024), 0);
	refuse_path(path, "larger than 16 MiB");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
	report_done(&report);
}

static void audit(const char *text, const char *words, bool expected)
{
	struct config *config = must_load(text);
	struct report report = { 0 };
	const int found = config_check(config, &report);

	assert_int_equal(found, report.count);
	assert_int_equal(report.errors, 0);
	if (reported(&report, REPORT_WARNING, 0, words) != expected)
		fail_msg("%s: \"%s\" %s", text, words, expected ? "expected" : "not expected");
	report_done(&report);
	config_free(config);
}

static void test_audit(void **state)
{
	(void)state;
	audit(MINIMAL, "none is ever dropped", true);
	audit(MINIMAL "25:smtpd_client_connection_rate_limit = 1\n", "none is ever dropped", false);
	audit(MINIMAL "enforcement = monitor\n", "nothing is dropped", true);
	audit(MINIMAL, "nothing is dropped", false);
	audit(MINIMAL, "beyond loopback", true);
	audit(MINIMAL "mynetworks = 127.0.0.0/8 192.0.2.1\n", "beyond loopback", false);
	audit(MINIMAL "mynetworks = 127.0.0.0/8 !192.0.2.1\n", "beyond loopback", true);
	audit(MINIMAL "enforcement = monitor\n", "beyond loopback", false);
	audit(MINIMAL, "never taken from the interfaces", true);
	audit(MINIMAL "mynetworks = 127.0.0.0/8\n", "never taken from the interfaces", false);
	audit(MINIMAL "mynetworks = 0.0.0.0/0\n", "every IPv4 client", true);
	audit(MINIMAL "mynetworks = [::]/0\n", "every IPv6 client", true);
	audit(MINIMAL "mynetworks = !0.0.0.0/0\n", "every IPv4 client", false);
	audit(MINIMAL "mynetworks = 11.0.0.0/8\n", "very wide", true);
	audit(MINIMAL "mynetworks = 10.0.0.0/8\n", "private block", true);
	audit(MINIMAL "mynetworks = 10.0.0.0/9\n", "private block", false);
	audit(MINIMAL "mynetworks = 10.0.0.0/9\n", "very wide", false);
	audit(MINIMAL, "very wide", false);
	audit(MINIMAL, "push others out", true);
	audit(MINIMAL "source_table_size = 1048577\n", "push others out", false);
	audit(MINIMAL "smtpd_client_ipv6_prefix_length = 64\n", "push others out", false);
	audit(MINIMAL "smtpd_client_ipv6_prefix_length = 128\n", "push others out", true);
	audit("interfaces = nosuch0\n", "nosuch0 is not there", true);
	audit(MINIMAL "control_group = nosuchgroup\n", "no group nosuchgroup", true);
	audit(MINIMAL "control_group = 4711\n", "no group", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs_restart),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_audit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
