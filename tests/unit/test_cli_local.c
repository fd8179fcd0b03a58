/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that read a configuration file and need no agent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli_lab.h"

/* Writes text to a file in the lab; its name is in path. */
static void write_file(const struct lab *lab, const char *text, char path[static 128])
{
	_cleanup_fclose_ FILE *file = NULL;

	(void)snprintf(path, 128, "%s/synanvil.cf", lab->directory);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static struct outcome run_with_file(const struct lab *lab, const char *command, const char *file)
{
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, "%s -c %s", command, file) > 0);
	return run(lab, text);
}

static void test_config_file(void **state)
{
	const struct lab *lab = *state;
	_cleanup_outcome_ struct outcome all = { 0 };
	_cleanup_outcome_ struct outcome changed = { 0 };
	_cleanup_outcome_ struct outcome json = { 0 };
	_cleanup_free_ char *want = NULL;
	_cleanup_free_ char *want_json = NULL;
	char path[128];

	write_file(lab, "# a comment\ninterfaces = lo\nanvil_rate_time_unit = 90s\n", path);
	all = run_with_file(lab, "config", path);
	changed = run_with_file(lab, "config --changed", path);
	json = run_with_file(lab, "config --changed --json", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(all.status, CLI_DONE);
	assert_non_null(strstr(all.out, "\n# default\nsmtpd_client_ipv6_prefix_length = 84\n"));
	assert_true(asprintf(&want, "# %s:2\ninterfaces = lo\n# %s:3\nanvil_rate_time_unit = 90s\n",
			     path, path) > 0);
	expect(&changed, CLI_DONE, want, "");
	assert_true(asprintf(&want_json,
			     "{\"parameters\": [{\"name\": \"interfaces\", \"value\": \"lo\", "
			     "\"origin\": "
			     "{\"kind\": \"file\", \"file\": \"%s\", \"line\": 2}}, {\"name\": "
			     "\"anvil_rate_time_unit\", \"value\": \"90s\", \"origin\": {\"kind\": "
			     "\"file\", "
			     "\"file\": \"%s\", \"line\": 3}}]}\n",
			     path, path) > 0);
	expect(&json, CLI_DONE, want_json, "");
}

/* Name and value of each parameter, origins aside. */
static char *values_of(const struct lab *lab, const char *options, const char *file)
{
	_cleanup_free_ char *command = NULL;
	_cleanup_outcome_ struct outcome outcome = { 0 };
	json_t *result;
	json_t *row;
	size_t index;
	char *text;

	assert_true(asprintf(&command, "config --json%s", options) > 0);
	outcome = run_with_file(lab, command, file);
	if (outcome.status != CLI_DONE)
		fail_msg("%s", outcome.err);
	result = json_loads(outcome.out, 0, NULL);
	json_array_foreach(json_object_get(result, "parameters"), index, row)
		assert_int_equal(json_object_del(row, "origin"), 0);
	text = json_dumps(result, JSON_INDENT(1));
	json_decref(result);
	return text;
}

/* What "config" prints of a file, read again, puts the same in force; what differs from the
 * defaults is enough for that. */
static void test_config_reads_its_own_output(void **state)
{
	static const char file[] =
		"interfaces = lo,\r\n\teth0\r\nprotected_ports = smtp "
		"submission\t[2001:db8::1]:25\n"
		"enforcement = monitor\nstate_directory = /srv/$$state\n"
		"smtpd_client_connection_rate_limit = 30\n"
		"587:smtpd_client_connection_rate_limit = 10\n"
		"[2001:db8::1]:25:smtpd_client_connection_rate_limit = -1\n"
		"mynetworks = ${nosuchname:127.0.0.0/8} [::1]\n"
		"smtpd_client_event_limit_exceptions = !10.0.0.1,$mynetworks\n"
		"  cidr:{ {if 10.0.0.0/8}, {!10.1.0.0/16 $$ a\tb}, {endif} } .example.com\n"
		"queue_minfree = 1000\nmetrics_listen = $nosuchname\n"
		"bpf_directory = /x/${nosuchname}pins\nanvil_rate_time_unit = 90s $nosuchname\n";
	static const char *const options[] = { "", " --changed" };
	const struct lab *lab = *state;
	char path[128];

	for (size_t i = 0; i < 2; i++) {
		_cleanup_outcome_ struct outcome printed = { 0 };
		_cleanup_free_ char *command = NULL;
		_cleanup_free_ char *before = NULL;
		_cleanup_free_ char *after = NULL;

		write_file(lab, file, path);
		before = values_of(lab, "", path);
		assert_true(asprintf(&command, "config%s", options[i]) > 0);
		printed = run_with_file(lab, command, path);
		assert_int_equal(printed.status, CLI_DONE);
		write_file(lab, printed.out, path);
		after = values_of(lab, "", path);
		assert_non_null(strstr(before, "$$ a b"));
		assert_string_equal(before, after);
	}
	assert_int_equal(unlink(path), 0);
}

static void test_check_file(void **state)
{
	const struct lab *lab = *state;
	_cleanup_outcome_ struct outcome bad = { 0 };
	_cleanup_outcome_ struct outcome json = { 0 };
	_cleanup_outcome_ struct outcome good = { 0 };
	_cleanup_outcome_ struct outcome config = { 0 };
	_cleanup_free_ char *error = NULL;
	char path[128];
	json_t *report;

	write_file(lab, "interfaces = lo\nanvil_rate_time_unit = 60x\n", path);
	assert_true(asprintf(&error, "%s:2: error: anvil_rate_time_unit: ", path) > 0);
	bad = run_with_file(lab, "check", path);
	json = run_with_file(lab, "check --json", path);
	config = run_with_file(lab, "config", path);
	write_file(lab, "interfaces = lo\n", path);
	good = run_with_file(lab, "check", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bad.status, CLI_FAILED);
	assert_ptr_equal(strstr(bad.out, error), bad.out);
	assert_non_null(strstr(bad.err, " has 1 error\n"));
	assert_int_equal(config.status, CLI_FAILED);
	assert_string_equal(config.out, "");
	assert_non_null(strstr(config.err, error));
	assert_int_equal(good.status, CLI_DONE);
	assert_null(strstr(good.out, ": error: "));
	assert_int_equal(json.status, CLI_FAILED);
	report = json_loads(json.out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(report, "errors")), 1);
	assert_true(json_is_array(json_object_get(report, "warnings")));
	json_decref(report);
}

/* Where no agent is and nothing is pinned, there is nothing to do; a directory of something else
 * stays as it is. */
static void test_detach_nothing(void **state)
{
	const struct lab *lab = *state;
	_cleanup_outcome_ struct outcome nothing = { 0 };
	_cleanup_outcome_ struct outcome other = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *err = NULL;
	char path[128];

	assert_true(asprintf(&text, "interfaces = lo\nbpf_directory = %s/pins\n", lab->directory) >
		    0);
	write_file(lab, text, path);
	nothing = run_with_file(lab, "detach", path);
	free(TAKE_PTR(text));
	assert_true(asprintf(&text, "interfaces = lo\nbpf_directory = %s\n", lab->directory) > 0);
	write_file(lab, text, path);
	other = run_with_file(lab, "detach", path);
	assert_int_equal(unlink(path), 0);
	expect(&nothing, CLI_DONE, "nothing was attached, and there is no agent\n", "");
	assert_true(asprintf(&err, "synanvil: %s: not in a BPF file system\n", lab->directory) > 0);
	expect(&other, CLI_FAILED, "", err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(test_config_file),
		LAB_TEST(test_config_reads_its_own_output),
		LAB_TEST(test_check_file),
		LAB_TEST(test_detach_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
