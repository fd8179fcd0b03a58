/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address lists: words, negation, files, cidr tables; where each pattern comes from; first match
 * wins; a hundred thousand prefixes in time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "cleanup.h"
#include "config_support.h"

#define LIST(text) "interfaces = lo\nsmtpd_client_event_limit_exceptions = " text "\n"

static struct memory_file files[] = {
	{ "/list", "# comment\n10.1.0.0/16,\n  !10.2.0.1 # not a comment: error\n" },
	{ "/good", "10.1.0.0/16 !10.2.0.1\n# between\n  [2001:db8::]/32\n\n/more\n" },
	{ "/more", "192.0.2.7" },
	{ "/cidr", "10.3.0.0/16 OK\n2001:db8:3::/48\n  permit it\n[::1] x\n" },
	{ "/cidr-if", "if 10.0.0.0/8\n10.3.0.0/16 OK\n192.0.2.1 never\n"
		      "IF ! 10.0.0.0/9\n10.0.0.0/8 OK\nif [10.255.0.0]/16\n!10.255.0.0/17 x\n"
		      "ENDIF\nendif\nendif\n" },
	{ "/cidr-not", "!224.0.0.0/3 OK\n!!192.0.2.1 OK\n! 2000::/3 OK\n" },
	{ "/cidr-family", "if !2001:db8::/32\n10.0.0.0/8 OK\n2001:db8::/31 OK\nendif\n" },
	{ "/cidr-open", "10.0.0.0/8 OK\nif 10.0.0.0/8\nif 10.1.0.0/16\n10.1.2.3 x\nendif\n" },
	{ "/cidr-endif", "10.0.0.0/8 OK\nendif\n" },
	{ "/cidr-trail", "if 10.0.0.0/8\n  10.1.0.0/16 OK\nendif\n" },
	{ "/cidr-trail2", "if 10.0.0.0/8\nendif\n  10.1.0.0/16 OK\n" },
	{ "/cidr-ifbits", "if 10.0.0.1/8\n10.1.0.0/16 OK\nendif\n" },
	{ "/cidr-noif", "if\n10.1.0.0/16 OK\nendif\n" },
	{ "/cidr-mapped", "!::ffff:10.0.0.0/104 OK\n" },
	{ "/cidr-bare", "192.0.2.0/24 OK\n10.0.0.0/8\n" },
	{ "/cidr-bits", "192.0.2.0/24 OK\n10.0.0.1/8 OK\n" },
	{ "/circle", "/circle\n" },
	{ "/twice", "/twice /twice\n" },
	{ "/indented", "  10.0.0.0/8\n" },
	{ "/empty", "" },
	{ NULL, NULL },
};

/* The patterns of a configuration, printed one after the other. */
static char *describe(const struct config *config)
{
	struct config_text text = { 0 };

	assert_int_equal(config_text_append(&text, "", 0), 0);
	for (size_t i = 0; i < config->exceptions.count; i++) {
		const struct config_pattern *pattern = &config->exceptions.items[i];
		char prefix[PREFIX_TEXT_SIZE];
		const char *shown = pattern->is_prefix ? prefix : pattern->host;

		if (pattern->is_prefix)
			prefix_format(&pattern->prefix, prefix);
		assert_int_equal(config_text_append(&text, " ", i > 0), 0);
		assert_int_equal(config_text_append(&text, "!", pattern->negated), 0);
		assert_int_equal(config_text_append(&text, shown, strlen(shown)), 0);
	}
	return text.data;
}

static const struct {
	const char *text;
	const char *patterns;
} accepted[] = {
	{ LIST(""), "" },
	{ LIST("10.0.0.0/8,192.0.2.1\t[::1]"), "10.0.0.0/8 192.0.2.1 ::1" },
	{ LIST("[2001:db8::]/32 [2001:db8::/32] [192.0.2.1]"),
	  "2001:db8::/32 2001:db8::/32 192.0.2.1" },
	{ LIST("127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128"), "127.0.0.0/8 127.0.0.0/8 ::1" },
	{ LIST("10.0.0.0/8 !10.1.0.0/16 !!10.2.0.0/16"), "10.0.0.0/8 !10.1.0.0/16 10.2.0.0/16" },
	{ LIST("Mail.Example.COM .example.org !unknown"),
	  "mail.example.com .example.org !unknown" },
	{ LIST("/good"), "10.1.0.0/16 !10.2.0.1 2001:db8::/32 192.0.2.7" },
	{ LIST("!/good"), "!10.1.0.0/16 10.2.0.1 !2001:db8::/32 !192.0.2.7" },
	{ LIST("/empty 192.0.2.1"), "192.0.2.1" },
	{ LIST("cidr:/cidr"), "10.3.0.0/16 2001:db8:3::/48 ::1" },
	{ LIST("!cidr:/cidr 192.0.2.1"), "!10.3.0.0/16 !2001:db8:3::/48 !::1 192.0.2.1" },
	{ LIST("cidr:{ {10.0.0.0/8 OK}, {2001:db8::/32 x y} } ::"), NULL },
	{ LIST("cidr:{{10.0.0.0/8 OK},{2001:db8::/32 x y}}, 192.0.2.1"),
	  "10.0.0.0/8 2001:db8::/32 192.0.2.1" },
	{ LIST("cidr:{ }"), "" },
	{ LIST("cidr:{{}, {# 10.0.0.0/8 not}, {10.1.0.0/16 OK}}"), "10.1.0.0/16" },
	{ LIST("!cidr:{{if 10.0.0.0/8}, {!10.128.0.0/9 OK}, {endif}} 10.0.0.0/8"),
	  "!10.0.0.0/9 10.0.0.0/8" },
	{ LIST("cidr:/cidr-if"), "10.3.0.0/16 10.128.0.0/9 10.255.128.0/17" },
	{ LIST("cidr:/cidr-not"), "0.0.0.0/1 128.0.0.0/2 192.0.0.0/3 192.0.2.1 ::/3 4000::/2 "
				  "8000::/1" },
	{ LIST("cidr:/cidr-family"), "2001:db9::/32" },
	{ LIST("[::ffff:10.0.0.0]/104"), "10.0.0.0/8" },
	{ LIST("$mynetworks"), "127.0.0.0/8 ::1" },
	{ LIST("${smtpd_client_connection_limit_exceptions:$mynetworks}"), "127.0.0.0/8 ::1" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		struct report report = { 0 };
		_cleanup_free_ char *got = NULL;
		struct config *config;

		if (load_with(accepted[i].text, files, &config, &report) == 0)
			got = describe(config);
		if ((got == NULL) != (accepted[i].patterns == NULL))
			fail_msg("%s: %s", accepted[i].text,
				 got ? got : report.entries[report.count - 1].message);
		if (got && strcmp(got, accepted[i].patterns) != 0)
			fail_msg("%s: got \"%s\"", accepted[i].text, got);
		config_free(config);
		report_done(&report);
	}
}

static const struct {
	const char *text;
	const char *file;
	unsigned line;
	const char *words;
} refused[] = {
	{ LIST("10.0.0.1/8"), TEST_FILE, 2, "did you mean 10.0.0.0/8?" },
	{ LIST("[2001:db8::1]/64"), TEST_FILE, 2, "did you mean [2001:db8::]/64?" },
	{ LIST("2001:db8::/32"), TEST_FILE, 2, "did you mean [2001:db8::]/32?" },
	{ LIST("2001:db8::1/32"), TEST_FILE, 2, "did you mean [2001:db8::]/32?" },
	{ LIST("::1"), TEST_FILE, 2, "did you mean [::1]?" },
	{ LIST("hash:/etc/clients"), TEST_FILE, 2, "type \"hash\" are not supported" },
	{ LIST("proxy:cidr:/cidr"), TEST_FILE, 2, "type \"proxy\" are not supported" },
	{ LIST("10.0.0"), TEST_FILE, 2, "not an IPv4 or IPv6 address" },
	{ LIST("10.0.0.0/33"), TEST_FILE, 2, "not a prefix length" },
	{ LIST("example.com/24"), TEST_FILE, 2, "neither an address nor a host name" },
	{ LIST("*.example.com"), TEST_FILE, 2, "neither an address nor a host name" },
	{ LIST("10.0.0.0/8 ! 10.1.0.0/16"), TEST_FILE, 2, "no pattern after" },
	{ LIST("10.0.0.0/8 # office"), TEST_FILE, 2, "a comment needs a line of its own" },
	{ LIST("cidr:{ {10.0.0.0/8 OK}"), TEST_FILE, 2, "no partner" },
	{ LIST("cidr:{10.0.0.0/8 OK}"), TEST_FILE, 2, "{rule} expected" },
	{ LIST("cidr:{{10.0.0.0/8 OK}x}"), TEST_FILE, 2, "{rule} expected" },
	{ LIST("cidr:{{10.0.0.0/8 OK}}x"), TEST_FILE, 2, "{rule}, ... } expected" },
	{ LIST("cidr:{10.0.0.0/8}"), TEST_FILE, 2, "{rule} expected" },
	{ LIST("cidr:{{10.0.0.0/8}}"), TEST_FILE, 2, "needs a result" },
	{ LIST("cidr:clients"), TEST_FILE, 2, "absolute path" },
	{ LIST("cidr:"), TEST_FILE, 2, "absolute path" },
	{ LIST("/nonexistent"), TEST_FILE, 2, "/nonexistent: No such file" },
	{ LIST("cidr:/nonexistent"), TEST_FILE, 2, "/nonexistent: No such file" },
	{ LIST("/list"), "/list", 2, "a comment needs a line of its own" },
	{ LIST("/indented"), "/indented", 1, "must not begin with a blank" },
	{ LIST("/circle"), "/circle", 1, "too deeply" },
	{ LIST("/twice"), "/twice", 1, "too" },
	{ LIST("cidr:/cidr-open"), "/cidr-open", 2, "\"if\" without \"endif\"" },
	{ LIST("cidr:/cidr-endif"), "/cidr-endif", 2, "\"endif\" without \"if\"" },
	{ LIST("cidr:/cidr-trail"), "/cidr-trail", 1, "must not begin with a blank" },
	{ LIST("cidr:/cidr-trail2"), "/cidr-trail2", 2, "must not begin with a blank" },
	{ LIST("cidr:/cidr-ifbits"), "/cidr-ifbits", 1, "did you mean 10.0.0.0/8?" },
	{ LIST("cidr:/cidr-noif"), "/cidr-noif", 1, "network is missing" },
	{ LIST("cidr:/cidr-mapped"), "/cidr-mapped", 1, "write IPv4 addresses as such" },
	{ LIST("cidr:{{if 10.0.0.0/8}, {10.1.0.0/16 OK}}"), TEST_FILE, 2, "without \"endif\"" },
	{ LIST("cidr:{{! OK}}"), TEST_FILE, 2, "needs a result" },
	{ LIST("cidr:/cidr-bare"), "/cidr-bare", 2, "needs a result" },
	{ LIST("cidr:/cidr-bits"), "/cidr-bits", 2, "did you mean 10.0.0.0/8?" },
	{ "interfaces = lo\n\nmynetworks = 10.0.0.1/8\n", TEST_FILE, 3, "did you mean" },
	{ LIST("192.0.2.1 $mynetworks") "mynetworks =\n 10.0.0.1/8\n", TEST_FILE, 3,
	  "did you mean" },
	{ LIST("192.0.2.1") "mynetworks = hash:/x\n", TEST_FILE, 3, "not supported" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct report report = { 0 };
		struct config *config;

		assert_int_equal(load_with(refused[i].text, files, &config, &report), -EINVAL);
		assert_true(report.count > 0);
		if (!strstr(report.entries[0].message, refused[i].words) ||
		    strcmp(report.entries[0].file, refused[i].file) != 0 ||
		    report.entries[0].line != refused[i].line)
			fail_msg("%s: %s:%u: %s", refused[i].text, report.entries[0].file,
				 report.entries[0].line, report.entries[0].message);
		report_done(&report);
	}
}

static void assert_from(const struct config *config, size_t i, const char *file, unsigned line)
{
	assert_string_equal(config->exceptions.items[i].origin.file, file);
	assert_int_equal(config->exceptions.items[i].origin.line, line);
}

static void test_origins(void **state)
{
	struct report report = { 0 };
	struct config *config;

	(void)state;
	assert_int_equal(
		load_with(
			LIST("10.0.0.0/8 $mynetworks 192.0.2.1 /good") "mynetworks = 10.1.0.0/16 "
								       "$queue_directory\n"
								       "queue_directory = /more\n",
			files, &config, &report),
		0);
	assert_int_equal(config->exceptions.count, 8);
	assert_from(config, 0, TEST_FILE, 2);
	assert_from(config, 1, TEST_FILE, 3);
	assert_from(config, 2, "/more", 1);
	assert_from(config, 3, TEST_FILE, 2);
	assert_from(config, 4, "/good", 1);
	assert_from(config, 6, "/good", 1);
	assert_from(config, 7, "/more", 1);
	config_free(config);
	report_done(&report);
}

static void test_host_patterns_are_warned_of_once(void **state)
{
	struct report report = { 0 };
	struct config *config;

	(void)state;
	assert_int_equal(load(LIST("a.example 10.0.0.0/8 b.example c.example"), &config, &report),
			 0);
	assert_int_equal(report.count, 1);
	assert_true(reported(&report, REPORT_WARNING, 2, "\"a.example\" and other names"));
	config_free(config);
	report_done(&report);
}

static bool exempt(const struct config *config, const char *text)
{
	struct sa_address address;

	assert_int_equal(address_parse(text, &address), 0);
	return config_exempts(config, &address);
}

static void test_first_match_wins(void **state)
{
	struct report report = { 0 };
	struct config *config;

	(void)state;
	assert_int_equal(
		load(LIST("!10.1.0.0/16 host.example 10.0.0.0/8 10.1.0.0/16 !10.2.0.0/16 [::]/0"),
		     &config, &report),
		0);
	assert_false(exempt(config, "10.1.2.3"));
	assert_true(exempt(config, "10.2.3.4"));
	assert_false(exempt(config, "192.0.2.1"));
	assert_true(exempt(config, "2001:db8::1"));
	config_free(config);
	report_done(&report);
}

/* The neighbour of the place where IPv4 addresses are kept: what is left of IPv6 must not spill. */
static void test_the_rest_of_ipv6_has_no_ipv4(void **state)
{
	struct report report = { 0 };
	struct config *config;

	(void)state;
	assert_int_equal(load(LIST("cidr:{{!::fffe:0:0/96 OK}}"), &config, &report), 0);
	assert_false(exempt(config, "10.0.0.1"));
	assert_false(exempt(config, "::fffe:1:1"));
	assert_true(exempt(config, "::fffd:1:1"));
	assert_true(exempt(config, "2001:db8::1"));
	config_free(config);
	report_done(&report);
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* CPU time, and with the sanitizers' share in it; quadratic work would take minutes. */
static void test_many_prefixes(void **state)
{
	struct config_text text = { 0 };
	struct memory_file many[] = { { "/many", NULL }, { NULL, NULL } };
	struct report report = { 0 };
	struct config *config;
	double start;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		char line[64];
		const int size = i % 2 ? snprintf(line, sizeof(line), "10.%u.%u.0/24\n",
						  i >> 8 & 0xff, i & 0xff)
				       : snprintf(line, sizeof(line), "[2001:db8:%x:%x::]/64\n",
						  i >> 16, i & 0xffff);

		assert_int_equal(config_text_append(&text, line, (size_t)size), 0);
	}
	many[0].text = text.data;
	start = seconds();
	assert_int_equal(load_with(LIST("/many"), many, &config, &report), 0);
	assert_true(seconds() - start < 2);
	assert_int_equal(config->exceptions.count, 100000);
	config_free(config);
	free(text.data);
	report_done(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_host_patterns_are_warned_of_once),
		cmocka_unit_test(test_first_match_wins),
		cmocka_unit_test(test_the_rest_of_ipv6_has_no_ipv4),
		cmocka_unit_test(test_many_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
