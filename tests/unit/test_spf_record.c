/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spf_record.c: terms as RFC 7208 has them, and what it does not have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "spf_record.h"

/* All terms of a record, in a form that a test can show; "bad" behind the last good one. */
static void describe(const char *record, char *text, size_t size)
{
	static const char *const kinds[] = { "all", "include", "a",        "mx",      "ptr",
					     "ip",  "exists",  "redirect", "modifier" };
	struct spf_reader reader;
	struct spf_term term;
	char network[PREFIX_TEXT_SIZE];
	const char *why = NULL;
	size_t used = 0;
	int more;

	*text = '\0';
	spf_record_begin(&reader, record, strlen(record));
	while ((more = spf_record_next(&reader, &term, &why)) > 0) {
		used += (size_t)snprintf(text + used, size - used, "%s%c%s", used ? " " : "",
					 term.qualifier, kinds[term.kind]);
		if (term.kind == SPF_IP) {
			prefix_format(&term.network, network);
			used += (size_t)snprintf(text + used, size - used, "=%s", network);
		} else if (term.macro) {
			used += (size_t)snprintf(text + used, size - used, "=MACRO");
		} else if (*term.domain) {
			used += (size_t)snprintf(text + used, size - used, "=%s", term.domain);
		}
		if (term.kind == SPF_A || term.kind == SPF_MX)
			used += (size_t)snprintf(text + used, size - used, "/%u//%u",
						 term.ipv4_length, term.ipv6_length);
	}
	if (more < 0) {
		assert_non_null(why);
		(void)snprintf(text + used, size - used, "%sbad", used ? " " : "");
	}
}

static void records_are_read(void **state)
{
	static const char *const rows[][2] = {
		{ "v=spf1", "" },
		{ "v=spf1 -all", "-all" },
		{ "V=SPF1   MX  ~ALL ", "+mx/32//128 ~all" },
		{ "v=spf1 ip4:192.0.2.1 ip4:192.0.2.77/24 ?ip6:2001:db8::1/32",
		  "+ip=192.0.2.1 +ip=192.0.2.0/24 ?ip=2001:db8::/32" },
		{ "v=spf1 a a:Mail.Example.org. a/24 a:x.example/24//64 mx//48",
		  "+a/32//128 +a=mail.example.org/32//128 +a/24//128 +a=x.example/24//64 "
		  "+mx/32//48" },
		{ "v=spf1 include:_spf.example.com redirect=_x.example.com",
		  "+include=_spf.example.com +redirect=_x.example.com" },
		{ "v=spf1 exists:%{i}.x.example ptr ptr:x.example a:%{d}/24",
		  "+exists=MACRO +ptr +ptr=x.example +a=MACRO/32//128" },
		{ "v=spf1 exp=%{d}.x.example unknown=a/b:c", "+modifier +modifier" },
		{ "v=spf1 ip6:::ffff:192.0.2.1", "+ip=192.0.2.1" },
		{ "v=spf1 ip4:0.0.0.0/0", "+ip=0.0.0.0/0" },
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		describe(rows[i][0], text, sizeof(text));
		assert_string_equal(text, rows[i][1]);
	}
}

static void what_the_rfc_does_not_have_is_refused(void **state)
{
	static const char *const records[] = {
		"v=spf1 ipv4:192.0.2.1",
		"v=spf1 ip4",
		"v=spf1 ip4:",
		"v=spf1 ip4:192.0.2",
		"v=spf1 ip4:192.0.2.1/33",
		"v=spf1 ip4:192.0.2.1/",
		"v=spf1 ip4:192.0.2.1/024",
		"v=spf1 ip4:192.0.2.1//24",
		"v=spf1 ip4:2001:db8::1",
		"v=spf1 ip4:[192.0.2.1]",
		"v=spf1 ip6:192.0.2.1",
		"v=spf1 ip6:2001:db8::1/129",
		"v=spf1 ip6:[2001:db8::1]",
		"v=spf1 include",
		"v=spf1 include:",
		"v=spf1 include:localhost",
		"v=spf1 include:a..example",
		"v=spf1 include:.example.org",
		"v=spf1 include:x.example/24",
		"v=spf1 exists",
		"v=spf1 all:x.example",
		"v=spf1 all/24",
		"v=spf1 a/",
		"v=spf1 a/33",
		"v=spf1 a//129",
		"v=spf1 a/24/64",
		"v=spf1 a///64",
		"v=spf1 a:",
		"v=spf1 redirect=",
		"v=spf1 redirect=x",
		"v=spf1 ++all",
		"v=spf1 +",
		"v=spf1 =",
		"v=spf1 mx\t-all",
		"v=spf1 a:exa mple.org-",
		"v=spf1 include:\xc3\xa4.example",
		"v=spf1 exists:%{i}\x01.example",
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		describe(records[i], text, sizeof(text));
		if (!strstr(text, "bad"))
			fail_msg("taken as right: %s: %s", records[i], text);
	}
}

static void a_nul_byte_is_no_end(void **state)
{
	static const char record[] = "v=spf1 ip4:192.0.2.1\0/8 -all";
	struct spf_reader reader;
	struct spf_term term;
	const char *why;

	(void)state;
	spf_record_begin(&reader, record, sizeof(record) - 1);
	assert_int_equal(spf_record_next(&reader, &term, &why), -22);
}

static void versions(void **state)
{
	(void)state;
	assert_true(spf_record_is("v=spf1", 6));
	assert_true(spf_record_is("V=Spf1 x", 8));
	assert_false(spf_record_is("v=spf1", 5));
	assert_false(spf_record_is("v=spf10", 7));
	assert_false(spf_record_is("v=spf1\tmx", 9));
	assert_false(spf_record_is(" v=spf1", 7));
	assert_false(spf_record_is("spf2.0/pra", 10));
}

static void names(void **state)
{
	char name[SPF_NAME_SIZE], longest[300];

	(void)state;
	assert_int_equal(spf_name_parse("_SPF.Example.org.", 17, name), 0);
	assert_string_equal(name, "_spf.example.org");
	assert_int_equal(spf_name_parse("org", 3, name), -22);
	assert_int_equal(spf_name_parse("", 0, name), -22);
	assert_int_equal(spf_name_parse(".", 1, name), -22);
	memset(longest, 'a', sizeof(longest));
	longest[63] = '.';
	assert_int_equal(spf_name_parse(longest, 127, name), 0);
	assert_int_equal(spf_name_parse(longest, 128, name), -22);
	for (size_t i = 1; i < sizeof(longest); i += 2)
		longest[i] = '.';
	assert_int_equal(spf_name_parse(longest, 253, name), 0);
	assert_int_equal(spf_name_parse(longest, 255, name), -22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(what_the_rfc_does_not_have_is_refused),
		cmocka_unit_test(a_nul_byte_is_no_end),
		cmocka_unit_test(versions),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
