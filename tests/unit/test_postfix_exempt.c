/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom Postfix' files exempt: hosts that may use XCLIENT, and load balancers that speak the proxy
 * protocol.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cleanup.h"
#include "postfix_support.h"

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

/* Comparing each of very many with each of very many would take very long. */
static void test_proxies_are_few(void **state)
{
	struct config_text text = { 0 };
	struct report report = { 0 };
	struct config *config;

	(void)state;
	assert_int_equal(config_text_append(&text, OURS "upstream_proxies =",
					    strlen(OURS "upstream_proxies =")),
			 0);
	for (unsigned i = 0; i < 257; i++) {
		char word[32];

		(void)snprintf(word, sizeof(word), " 10.0.%u.%u", i / 200, i % 200);
		assert_int_equal(config_text_append(&text, word, strlen(word)), 0);
		if (i < 255)
			continue;
		config = load_postfix(text.data, "", BEHIND, &report);
		assert_int_equal(config != NULL, i == 255);
		config_free(config);
	}
	assert_string_equal(report.entries[report.errors - 1].parameter, "upstream_proxies");
	free(text.data);
	report_done(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xclient),
		cmocka_unit_test(test_exempt_proxies_leave_the_limits),
		cmocka_unit_test(test_proxies_are_addresses),
		cmocka_unit_test(test_proxies_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
