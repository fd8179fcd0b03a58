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

#include <cmocka.h>

#include "cleanup.h"
#include "postfix_support.h"

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

static const struct row rows_of_files[] = {
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
	{ OURS, "n = 7\n" RATE " = ${n}0\n", SERVICES, RATE " = 70 (main.cf /p/main.cf:2)" },
	{ OURS RATE " = $n\n", "n = 7\n", SERVICES, RATE " = 7 (file test.cf:4)" },
	{ OURS, RATE " = ${stress?{1}:{9}}\n", SERVICES, RATE " = 9 (main.cf /p/main.cf:1)" },
	{ OURS "mynetworks = 10.1.0.0/16\n", "mynetworks = 10.2.0.0/16\n", SERVICES,
	  "smtpd_client_event_limit_exceptions = 10.1.0.0/16 (default)" },
	{ OURS, "mynetworks = 10.2.0.0/16\n", SERVICES,
	  "smtpd_client_event_limit_exceptions = 10.2.0.0/16 (default)" },
	{ OURS, "smtpd_client_connection_limit_exceptions = 10.3.0.0/16\n", SERVICES,
	  "smtpd_client_event_limit_exceptions =  (default)" },
	/* A table that only Postfix can read, and nothing here refers to. */
	{ OURS "smtpd_client_event_limit_exceptions = 10.1.0.0/16\n",
	  "mynetworks = hash:/etc/postfix/networks\n", SERVICES,
	  "smtpd_client_event_limit_exceptions = 10.1.0.0/16 (file test.cf:4)" },
	{ OURS, "queue_directory = $config_directory/queue\n", SERVICES,
	  "queue_directory = /p/queue (main.cf /p/main.cf:1)" },
};

static const struct row rows_options[] = {
	/* -o, its forms, and names in it. */
	{ OURS, "", SERVICES " -o " RATE "=5\n", "587:" RATE " = 5 (master.cf /p/master.cf:2)" },
	{ OURS, "", SERVICES " -o" RATE "=5\n", "587:" RATE " = 5 (master.cf /p/master.cf:2)" },
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
	{ OURS, "", SERVICES " -vo " RATE "=5\n", "587:" RATE " = 5 (master.cf /p/master.cf:2)" },
	{ OURS, "", SERVICES " -s 2 -Dvo" RATE "=5\n",
	  "587:" RATE " = 5 (master.cf /p/master.cf:2)" },
	/* The value of another option. */
	{ OURS, RATE " = 4\n", SERVICES " -n -o" RATE "=5 -nvo " RATE "=6\n",
	  RATE " = 4 (main.cf /p/main.cf:1)" },
};

static const struct row rows_process_limits[] = {
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
	{ OURS, "", "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n -o " RATE "=9\n",
	  "25:" RATE " = 9 (master.cf /p/master.cf:2)" },
	{ OURS, "smtpd_service_name = other\n",
	  "smtp inet n - n - 1 postscreen\nother pass - - n - 5 smtpd\n",
	  "25:" PROCESSES " = 105 (master.cf /p/master.cf:1)" },
};

static const struct row rows_addresses[] = {
	/* The proxy protocol. */
	{ OURS, RATE " = 30\n", SERVICES " -o smtpd_upstream_proxy_protocol=haproxy\n",
	  "587:" RATE " = 0 (master.cf /p/master.cf:2)" },
	{ OURS RATE " = 30\n", "", SERVICES " -o smtpd_upstream_proxy_protocol=haproxy\n",
	  "587:" RATE " = 0 (master.cf /p/master.cf:2)" },
	{ OURS "587:" RATE " = 4\n", "", SERVICES " -o smtpd_upstream_proxy_protocol=haproxy\n",
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
	/* A wildcard is every address of its family, and of no other. */
	{ MINIMAL
	  "protected_ports = 192.0.2.1:25, [2001:db8::1]:25\npostfix_config_directory = /p\n",
	  "", "0.0.0.0:25 inet n - n - 1 smtpd\n[::]:25 inet n - n - 2 smtpd\n",
	  "[2001:db8::1]:25:" PROCESSES " = 2 (master.cf /p/master.cf:2)" },
	{ MINIMAL
	  "protected_ports = [2001:db8::1]:25, 192.0.2.1:25\npostfix_config_directory = /p\n",
	  "inet_interfaces = 127.0.0.1\n",
	  "[::]:25 inet n - n - 2 smtpd\n0.0.0.0:25 inet n - n - 1 smtpd\n",
	  "192.0.2.1:25:" PROCESSES " = 1 (master.cf /p/master.cf:2)" },
	/* Only the host knows this name: any address may be its own. */
	{ MINIMAL "protected_ports = 192.0.2.1:25\npostfix_config_directory = /p\n",
	  "inet_interfaces = $myhostname, localhost\n", "smtp inet n - n - 3 smtpd\n",
	  "192.0.2.1:25:" PROCESSES " = 3 (master.cf /p/master.cf:1)" },
	{ OURS, "inet_interfaces = LocalHost\n", "smtp inet n - n - 3 smtpd\n",
	  "25:" PROCESSES " = 3 (master.cf /p/master.cf:1)" },
	/* Services that do not listen. */
	{ OURS, "master_service_disable = 25/inet\n",
	  "smtp inet n - n - 4 smtpd\n25 inet n - n - 3 smtpd\n",
	  "25:" PROCESSES " = 4 (master.cf /p/master.cf:1)" },
	{ OURS, "master_service_disable = !Smtp/inet inet\n",
	  "25 inet n - n - 3 smtpd\nsmtp inet n - n - 4 smtpd\n",
	  "25:" PROCESSES " = 4 (master.cf /p/master.cf:2)" },
};

static void test_values(void **state)
{
	static const struct {
		const struct row *rows;
		size_t count;
	} tables[] = {
		{ rows_of_files, sizeof(rows_of_files) / sizeof(rows_of_files[0]) },
		{ rows_options, sizeof(rows_options) / sizeof(rows_options[0]) },
		{ rows_process_limits,
		  sizeof(rows_process_limits) / sizeof(rows_process_limits[0]) },
		{ rows_addresses, sizeof(rows_addresses) / sizeof(rows_addresses[0]) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (size_t j = 0; j < tables[i].count; j++)
			check_row(&tables[i].rows[j]);
	}
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

static int append_changed(const struct config_value *value, void *context)
{
	return value->changed ? append(value, context) : 0;
}

/* A default that the file says against Postfix is part of what it changes. */
static void test_what_is_changed_reads_back_the_same(void **state)
{
	static const char ours[] =
		OURS RATE " = 0\ndefault_process_limit = 0\nmynetworks = 127.0.0.0/8, [::1]/128\n";
	static const char main_cf[] = RATE " = 30\nmynetworks = 10.2.0.0/16\n";
	static const char master_cf[] =
		"smtp inet n - n - 9 smtpd\nsubmission inet n - n - - smtpd\n";
	struct report report = { 0 };
	struct config *first = load_postfix(ours, main_cf, master_cf, &report), *second;
	struct config_text changed = { 0 }, all = { 0 }, again = { 0 };

	(void)state;
	assert_non_null(first);
	assert_int_equal(config_each(first, append_changed, &changed), 0);
	assert_int_equal(config_each(first, append, &all), 0);
	second = load_postfix(changed.data, main_cf, master_cf, &report);
	assert_non_null(second);
	assert_int_equal(config_each(second, append, &again), 0);
	assert_string_equal(all.data, again.data);
	config_free(first);
	config_free(second);
	free(changed.data);
	free(all.data);
	free(again.data);
	report_done(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_what_is_shown_reads_back_the_same),
		cmocka_unit_test(test_what_is_changed_reads_back_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
