/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Postfix' files read: which value holds, and where it is said to come from. Rows of files and of
 * the line that `synanvil config` then shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "config_support.h"

#define OURS     MINIMAL "protected_ports = 25, 587\npostfix_config_directory = /p\n"
#define SERVICES "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n"

struct row {
	const char *ours;
	const char *main_cf;
	const char *master_cf;
	const char *shown; /* name = value (place) */
};

struct search {
	const char *shown;
	bool found;
};

static int look(const struct config_value *value, void *context)
{
	static const char *const kinds[] = { "default", "file", "main.cf", "master.cf" };
	struct search *search = context;
	const struct config_origin *origin = &value->origin;
	char line[1000];

	(void)snprintf(line, sizeof(line), "%s = %s (%s", value->name, value->value,
		       kinds[origin->kind]);
	if (origin->file)
		(void)snprintf(line + strlen(line), sizeof(line) - strlen(line), " %s:%u",
			       origin->file, origin->line);
	(void)strncat(line, ")", sizeof(line) - strlen(line) - 1);
	search->found = search->found || strcmp(line, search->shown) == 0;
	return 0;
}

static int print(const struct config_value *value, void *context)
{
	(void)context;
	if (value->origin.kind != CONFIG_FROM_DEFAULT)
		print_error("    %s = %s (%d %s:%u)\n", value->name, value->value,
			    (int)value->origin.kind, value->origin.file, value->origin.line);
	return 0;
}

static struct config *load_postfix(const char *ours, const char *main_cf, const char *master_cf,
				   struct report *report)
{
	struct memory_file files[] = {
		{ "/p/main.cf", main_cf },
		{ "/p/master.cf", master_cf },
		{ "/q/main.cf",
		  "smtpd_client_connection_rate_limit = 77\ndefault_process_limit = 7\n"
		  "inet_interfaces = 192.0.2.2, localhost\n" },
		{ "/q/master.cf", "smtp inet n - n - - smtpd\n" },
		{ NULL, NULL },
	};
	struct config *config = NULL;

	(void)load_with(ours, files, &config, report);
	return config;
}

static void check_row(const struct row *row)
{
	struct search search = { row->shown, false };
	struct report report = { 0 };
	struct config *config = load_postfix(row->ours, row->main_cf, row->master_cf, &report);

	if (!config)
		fail_msg("%s: %s", row->shown, report.count ? report.entries[0].message : "?");
	assert_int_equal(config_each(config, look, &search), 0);
	if (!search.found) {
		(void)config_each(config, print, NULL);
		fail_msg("not shown: %s", row->shown);
	}
	config_free(config);
	report_done(&report);
}

#define RATE      "smtpd_client_connection_rate_limit"
#define COUNT     "smtpd_client_connection_count_limit"
#define PROCESSES "default_process_limit"

static void test_values(void **state)
{
	static const struct row rows[] = {
		/* Precedence: ours, main.cf, default. */
		{ OURS, RATE " = 30\n", SERVICES, RATE " = 30 (main.cf /p/main.cf:1)" },
		{ OURS RATE " = 5\n", RATE " = 30\n", SERVICES, RATE " = 5 (file test.cf:4)" },
		{ OURS, "", SERVICES, RATE " = 0 (default)" },
		{ OURS, RATE " = 1\n" RATE " = 2\n", SERVICES, RATE " = 2 (main.cf /p/main.cf:2)" },
		/* Defaults that change. */
		{ OURS, "", SERVICES, COUNT " = 50 (default)" },
		{ OURS, "", SERVICES, PROCESSES " = 100 (default)" },
		{ MINIMAL, "", SERVICES, COUNT " = 0 (default)" },
		{ OURS, "default_process_limit = 40\n", SERVICES,
		  PROCESSES " = 40 (main.cf /p/main.cf:1)" },
		{ OURS, "", SERVICES, "message_size_limit = 10240000 (default)" },
		/* What main.cf may not say. */
		{ OURS, "enforcement = monitor\n", SERVICES, "enforcement = enforce (default)" },
		{ OURS, "header_count_limit = 7\n", SERVICES, "header_count_limit = 0 (default)" },
		/* Names. */
		{ OURS, "n = 7\n" RATE " = ${n}0\n", SERVICES,
		  RATE " = 70 (main.cf /p/main.cf:2)" },
		{ OURS RATE " = $n\n", "n = 7\n", SERVICES, RATE " = 7 (file test.cf:4)" },
		{ OURS, RATE " = ${stress?{1}:{9}}\n", SERVICES,
		  RATE " = 9 (main.cf /p/main.cf:1)" },
		{ OURS "mynetworks = 10.1.0.0/16\n", "mynetworks = 10.2.0.0/16\n", SERVICES,
		  "smtpd_client_event_limit_exceptions = 10.1.0.0/16 (default)" },
		{ OURS, "mynetworks = 10.2.0.0/16\n", SERVICES,
		  "smtpd_client_event_limit_exceptions = 10.2.0.0/16 (default)" },
		{ OURS, "smtpd_client_connection_limit_exceptions = 10.3.0.0/16\n", SERVICES,
		  "smtpd_client_event_limit_exceptions =  (default)" },
		{ OURS, "queue_directory = $config_directory/queue\n", SERVICES,
		  "queue_directory = /p/queue (main.cf /p/main.cf:1)" },
		/* -o, its forms, and names in it. */
		{ OURS, "", SERVICES " -o " RATE "=5\n",
		  "587:" RATE " = 5 (master.cf /p/master.cf:2)" },
		{ OURS, "", SERVICES " -o" RATE "=5\n",
		  "587:" RATE " = 5 (master.cf /p/master.cf:2)" },
		{ OURS, "", SERVICES " -v -o { " RATE " = 5 }\n",
		  "587:" RATE " = 5 (master.cf /p/master.cf:2)" },
		{ OURS, "", SERVICES " -o " RATE "=5 -o " RATE "=6\n",
		  "587:" RATE " = 6 (master.cf /p/master.cf:2)" },
		{ OURS, "sub = 8\n", SERVICES " -o " RATE "=$sub\n",
		  "587:" RATE " = 8 (master.cf /p/master.cf:2)" },
		{ OURS, RATE " = ${fast?{90}:{10}}\n", SERVICES " -o fast=yes\n",
		  "587:" RATE " = 90 (main.cf /p/main.cf:1)" },
		{ OURS, "", "# c\nsmtp inet n - n - - smtpd\n\n -o\n# c\n  " RATE "=5\n",
		  "25:" RATE " = 5 (master.cf /p/master.cf:2)" },
		{ OURS "587:" RATE " = 3\n", "", SERVICES " -o " RATE "=5\n",
		  "587:" RATE " = 3 (file test.cf:4)" },
		{ OURS, "", "anvil unix - - n - 1 anvil -o anvil_rate_time_unit=30s\n" SERVICES,
		  "anvil_rate_time_unit = 30s (master.cf /p/master.cf:1)" },
		/* maxproc. */
		{ OURS, "", "smtp inet n - n - 40 smtpd\n",
		  "25:" PROCESSES " = 40 (master.cf /p/master.cf:1)" },
		{ OURS, "", "smtp inet n - n - 0 smtpd\n",
		  "25:" PROCESSES " = 0 (master.cf /p/master.cf:1)" },
		{ OURS, "", "25 inet n - n - 4 smtpd\nsmtp inet n - n - 3 smtpd\n",
		  "25:" PROCESSES " = 4 (master.cf /p/master.cf:1)" },
		{ OURS, "", "smtp inet n - n - 4 smtpd\nsmtp inet n - n - 3 smtpd\n",
		  "25:" PROCESSES " = 3 (master.cf /p/master.cf:2)" },
		/* postscreen. */
		{ OURS, "postscreen_pre_queue_limit = 7\n",
		  "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - 40 smtpd\n",
		  "25:" PROCESSES " = 47 (master.cf /p/master.cf:1)" },
		{ OURS, "default_process_limit = 20\n",
		  "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n",
		  "25:" PROCESSES " = 40 (master.cf /p/master.cf:1)" },
		{ OURS, "", "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - 0 smtpd\n",
		  "25:" PROCESSES " = 0 (master.cf /p/master.cf:1)" },
		{ OURS, "",
		  "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n -o " RATE "=9\n",
		  "25:" RATE " = 9 (master.cf /p/master.cf:2)" },
		{ OURS, "smtpd_service_name = other\n",
		  "smtp inet n - n - 1 postscreen\nother pass - - n - 5 smtpd\n",
		  "25:" PROCESSES " = 105 (master.cf /p/master.cf:1)" },
		/* The proxy protocol. */
		{ OURS, RATE " = 30\n", SERVICES " -o smtpd_upstream_proxy_protocol=haproxy\n",
		  "587:" RATE " = 0 (master.cf /p/master.cf:2)" },
		{ OURS RATE " = 30\n", "", SERVICES " -o smtpd_upstream_proxy_protocol=haproxy\n",
		  "587:" RATE " = 0 (master.cf /p/master.cf:2)" },
		{ OURS "587:" RATE " = 4\n", "",
		  SERVICES " -o smtpd_upstream_proxy_protocol=haproxy\n",
		  "587:" RATE " = 4 (file test.cf:4)" },
		/* Addresses, and a second instance. */
		{ MINIMAL "protected_ports = 192.0.2.1:25, 192.0.2.2:25\n"
			  "postfix_config_directory = /p /q\n",
		  RATE " = 30\ninet_interfaces = 192.0.2.1\n", SERVICES,
		  "192.0.2.2:25:" RATE " = 77 (main.cf /q/main.cf:1)" },
		{ MINIMAL "protected_ports = 192.0.2.1:25, 192.0.2.2:25\n"
			  "postfix_config_directory = /p, /q/\n",
		  RATE " = 30\ninet_interfaces = 192.0.2.1\n", SERVICES,
		  "192.0.2.2:25:" PROCESSES " = 7 (main.cf /q/main.cf:2)" },
		{ MINIMAL "protected_ports = [2001:db8::1]:25\npostfix_config_directory = /p\n", "",
		  "smtp inet n - n - 1 smtpd\n[2001:db8::1]:smtp inet n - n - 2 smtpd\n",
		  "[2001:db8::1]:25:" PROCESSES " = 2 (master.cf /p/master.cf:2)" },
		{ OURS, "", "127.0.0.1:25 inet n - n - 1 smtpd\nsmtp inet n - n - 2 smtpd\n",
		  "25:" PROCESSES " = 2 (master.cf /p/master.cf:2)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static int append(const struct config_value *value, void *context)
{
	struct config_text *text = context;
	char line[1000];

	(void)snprintf(line, sizeof(line), "%s = %s\n", value->name, value->value);
	return config_text_append(text, line, strlen(line));
}

static void test_what_is_shown_reads_back_the_same(void **state)
{
	static const char main_cf[] = RATE " = 30\nmynetworks = 10.2.0.0/16\nsub = 8\n"
					   "smtpd_authorized_xclient_hosts = 10.9.0.1\n";
	static const char master_cf[] =
		"smtp inet n - n - 1 postscreen\n"
		"smtpd pass - - n - 9 smtpd\nsubmission inet n - n - 6 smtpd\n"
		" -o " RATE "=$sub -o smtpd_upstream_proxy_protocol=haproxy\n";
	struct report report = { 0 };
	struct config *first = load_postfix(OURS, main_cf, master_cf, &report);
	struct config_text text = { 0 }, again = { 0 };
	struct config *second;

	(void)state;
	assert_non_null(first);
	assert_int_equal(config_each(first, append, &text), 0);
	second = load_postfix(text.data, main_cf, master_cf, &report);
	assert_non_null(second);
	assert_int_equal(config_each(second, append, &again), 0);
	assert_string_equal(text.data, again.data);
	assert_int_equal(first->exceptions.count, second->exceptions.count);
	assert_true(first->services[1].behind_proxy && second->services[1].behind_proxy);
	assert_false(first->services[0].behind_proxy);
	assert_int_equal(first->services[0].connection_rate_limit, 30);
	assert_int_equal(first->services[1].connection_rate_limit, 0);
	config_free(first);
	config_free(second);
	free(text.data);
	free(again.data);
	report_done(&report);
}

static bool exempt(const struct config *config, const char *text)
{
	struct sa_address address;

	assert_int_equal(address_parse(text, &address), 0);
	return config_exempts(config, &address);
}

/* Postfix exempts who is on the one list or on the other. */
static void test_xclient(void **state)
{
	struct report report = { 0 };
	struct config *config = load_postfix(
		OURS,
		"smtpd_client_event_limit_exceptions = !10.9.0.0/16, 10.0.0.0/8, 172.16.1.1\n"
		"smtpd_authorized_xclient_hosts = !10.9.0.5, 10.9.0.4/30, !172.16.0.0/13, "
		"172.16.0.0/12,\n"
		"  proxy.example.com\n",
		SERVICES, &report);

	(void)state;
	assert_non_null(config);
	assert_true(exempt(config, "10.9.0.4"));
	assert_false(exempt(config, "10.9.0.5"));
	assert_true(exempt(config, "10.9.0.6"));
	assert_true(exempt(config, "10.9.0.7"));
	assert_false(exempt(config, "10.9.0.8"));
	assert_true(exempt(config, "10.8.0.1"));
	assert_true(exempt(config, "172.24.0.1"));
	assert_true(exempt(config, "172.16.1.1"));
	assert_false(exempt(config, "172.16.1.2"));
	config_free(config);
	report_done(&report);
}

/* --- load balancers --- */

#define BEHIND "smtp inet n - n - - smtpd\n -o smtpd_upstream_proxy_protocol=haproxy\n"

/* What holds at port 25, which takes the proxy protocol. */
static void check_proxies(const char *proxies, const char *exceptions, bool limited,
			  const char *warned)
{
	struct report report = { 0 };
	char ours[512], warning[512];
	struct config *config;
	bool found = false;

	(void)snprintf(ours, sizeof(ours),
		       OURS RATE " = 30\nupstream_proxies = %s\nmynetworks = %s\n", proxies,
		       exceptions);
	(void)snprintf(warning, sizeof(warning), "%s is not exempt as a whole",
		       warned ? warned : "");
	config = load_postfix(ours, "", BEHIND, &report);
	assert_non_null(config);
	assert_int_equal(config->services[0].connection_rate_limit, limited ? 30 : 0);
	assert_int_equal(config->services[0].behind_proxy, !limited);
	for (size_t i = 0; i < report.count; i++)
		found = found || strncmp(report.entries[i].message, warning, strlen(warning)) == 0;
	assert_int_equal(found, warned != NULL);
	config_free(config);
	report_done(&report);
}

static void test_exempt_proxies_leave_the_limits(void **state)
{
	(void)state;
	check_proxies("", "10.0.0.0/8", false, NULL);
	check_proxies("10.0.0.1, 10.0.0.2", "10.0.0.0/8", true, NULL);
	check_proxies("10.0.0.0/30", "10.0.0.0/8", true, NULL);
	check_proxies("10.0.0.1, 10.0.0.2", "10.0.0.1", false, "10.0.0.2");
	check_proxies("10.0.0.0/30", "10.0.0.1, 10.0.0.2", false, "10.0.0.0/30");
	check_proxies("10.0.0.0/30", "!10.0.0.2, 10.0.0.0/8", false, "10.0.0.0/30");
	check_proxies("10.0.0.0/30", "!10.0.0.4, 10.0.0.0/8", true, NULL);
	check_proxies("10.0.0.0/30", "10.0.0.0/8, !10.0.0.2", true, NULL);
	check_proxies("[2001:db8::1]", "[2001:db8::]/32", true, NULL);
	check_proxies("[2001:db8::1]", "0.0.0.0/0", false, "2001:db8::1");
}

static void test_proxies_are_addresses(void **state)
{
	static const char *const values[] = { "lb.example.com", "!10.0.0.1", "10.0.0.1/8" };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct report report = { 0 };
		char ours[256];

		(void)snprintf(ours, sizeof(ours), OURS "upstream_proxies = %s\n", values[i]);
		assert_null(load_postfix(ours, "", SERVICES, &report));
		assert_string_equal(report.entries[0].parameter, "upstream_proxies");
		assert_int_equal(report.entries[0].line, 4);
		report_done(&report);
	}
}

/* --- the files on disk --- */

struct disk {
	struct config_file now;
	int result;
};

static int identify(void *context, const char *path, struct config_file *ret_file)
{
	const struct disk *disk = context;

	(void)path;
	*ret_file = disk->now;
	return disk->result;
}

static void test_stale(void **state)
{
	const struct config_file read = { "/f", 1, 2, 3, 4 };
	const struct {
		struct disk disk;
		bool stale;
	} rows[] = {
		{ { { "/f", 1, 2, 3, 4 }, 0 }, false },
		{ { { "/f", 9, 2, 3, 4 }, 0 }, true },
		{ { { "/f", 1, 9, 3, 4 }, 0 }, true },
		{ { { "/f", 1, 2, 9, 4 }, 0 }, true },
		{ { { "/f", 1, 2, 3, 5 }, 0 }, true },
		{ { { "/f", 0, 0, 0, 0 }, -ENOENT }, true },
		{ { { "/f", 0, 0, 0, 0 }, -ENOTDIR }, true },
		{ { { "/f", 0, 0, 0, 0 }, -EACCES }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct disk disk = rows[i].disk;

		assert_int_equal(config_file_is_stale(&read, identify, &disk), rows[i].stale);
	}
}

static void write_file(const char *directory, const char *name, const char *text)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

/* Every file that was read is watched, an included one as well. */
static void test_files_that_were_read(void **state)
{
	static const char *const names[] = { "ours", "main.cf", "master.cf", "trusted" };
	char directory[] = "/tmp/synanvil-test-XXXXXX";
	struct report report = { 0 };
	char text[400], path[200];

	(void)state;
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct config *config = NULL;

		(void)snprintf(text, sizeof(text),
			       MINIMAL "postfix_config_directory = %s\nmynetworks = %s/trusted\n",
			       directory, directory);
		write_file(directory, "ours", text);
		write_file(directory, "main.cf", "");
		write_file(directory, "master.cf", SERVICES);
		write_file(directory, "trusted", "192.0.2.0/24\n");
		(void)snprintf(path, sizeof(path), "%s/ours", directory);
		assert_int_equal(config_load(path, &config, &report), 0);
		assert_int_equal(config->file_count, 4);
		assert_false(config_is_stale(config, config_identify_file, NULL));
		write_file(directory, names[i],
			   "# longer than what was there, whatever that was\n"
			   "# longer than what was there, whatever that was\n"
			   "# longer than what was there, whatever that was\n");
		assert_true(config_is_stale(config, config_identify_file, NULL));
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		assert_int_equal(unlink(path), 0);
		assert_true(config_is_stale(config, config_identify_file, NULL));
		config_free(config);
	}
	for (size_t i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/ours", directory);
	(void)unlink(path);
	assert_int_equal(rmdir(directory), 0);
	report_done(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_what_is_shown_reads_back_the_same),
		cmocka_unit_test(test_xclient),
		cmocka_unit_test(test_exempt_proxies_leave_the_limits),
		cmocka_unit_test(test_proxies_are_addresses),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_files_that_were_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
