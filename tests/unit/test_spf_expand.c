/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spf_expand.c, spf_networks.c against a name service in memory; spf_dns.c: records as they stand
 * in messages.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spf_dns.h"
#include "spf_expand.h"

/* One record of the zone; data as a person writes it. */
struct zone_row {
	const char *name;
	enum spf_type type;
	const char *data; /* "!": the name service fails */
};

struct zone {
	const struct zone_row *rows; /* the end has no name */
	unsigned notes;
	unsigned queries;
};

static int zone_query(void *context, const char *name, enum spf_type type,
		      struct spf_answer *ret_answer, const char **reterr_why)
{
	struct zone *zone = context;
	uint8_t bytes[16];

	zone->queries++;
	for (const struct zone_row *row = zone->rows; row->name; row++) {
		size_t size = strlen(row->data);
		const void *data = row->data;

		if (strcmp(row->name, name) != 0 || row->type != type)
			continue;
		if (strcmp(row->data, "!") == 0) {
			*reterr_why = "the zone is broken";
			return -EIO;
		}
		if (type == SPF_TYPE_A || type == SPF_TYPE_AAAA) {
			assert_int_equal(inet_pton(type == SPF_TYPE_A ? AF_INET : AF_INET6,
						   row->data, bytes),
					 1);
			data = bytes;
			size = type == SPF_TYPE_A ? 4 : 16;
		}
		assert_int_equal(spf_answer_add(ret_answer, data, size), 0);
	}
	return 0;
}

static void count_note(void *context, const char *line)
{
	struct zone *zone = context;

	assert_true(*line != '\0');
	zone->notes++;
}

#define ROWS(...) ((const struct zone_row[]){ __VA_ARGS__, { NULL, 0, NULL } })
#define TXT(name, data)                  \
	{                                \
		name, SPF_TYPE_TXT, data \
	}
#define MX(name, data)                  \
	{                               \
		name, SPF_TYPE_MX, data \
	}
#define A(name, data)                  \
	{                              \
		name, SPF_TYPE_A, data \
	}
#define AAAA(name, data)                  \
	{                                 \
		name, SPF_TYPE_AAAA, data \
	}

/* The networks of x.example, with blanks between, or the reason. Returns what spf_expand did. */
static int expand(const struct zone_row *rows, char text[static 4096], struct zone *ret_zone)
{
	struct zone zone = { .rows = rows };
	const struct spf_resolver resolver = { zone_query, count_note, &zone };
	struct spf_networks networks = { 0 };
	char network[PREFIX_TEXT_SIZE];
	size_t used = 0;
	const int error = spf_expand(&resolver, "x.example", &networks, text);

	if (ret_zone)
		*ret_zone = zone;
	if (error)
		return error;
	for (size_t i = 0; i < networks.count; i++) {
		prefix_format(&networks.items[i], network);
		used += (size_t)snprintf(text + used, 4096 - used, "%s%s", i ? " " : "", network);
	}
	spf_networks_done(&networks);
	return 0;
}

static void gives(const struct zone_row *rows, const char *want)
{
	char text[4096];
	const int error = expand(rows, text, NULL);

	if (error)
		fail_msg("%s", text);
	assert_string_equal(text, want);
}

static void refused(const struct zone_row *rows, int want, const char *why)
{
	char text[4096];

	assert_int_equal(expand(rows, text, NULL), want);
	if (!strstr(text, why))
		fail_msg("does not say \"%s\": %s", why, text);
}

static void networks_are_collected(void **state)
{
	(void)state;
	gives(ROWS(TXT("x.example", "other"), TXT("x.example", "v=spf1 ip4:192.0.2.0/24 -all")),
	      "192.0.2.0/24");
	gives(ROWS(TXT("x.example", "v=spf1 a mx a:h.example/24//64 -all"),
		   A("x.example", "192.0.2.1"), AAAA("x.example", "2001:db8::1"),
		   MX("x.example", "m.example"), A("m.example", "198.51.100.7"),
		   A("h.example", "203.0.113.9"), AAAA("h.example", "2001:db8:1:2:3::4")),
	      "192.0.2.1 198.51.100.7 203.0.113.0/24 2001:db8::1 2001:db8:1:2::/64");
	gives(ROWS(TXT("x.example", "v=spf1 include:y.example ip4:192.0.2.77 ?all"),
		   TXT("y.example", "v=spf1 redirect=z.example"),
		   TXT("z.example", "v=spf1 ip4:192.0.2.0/25 ip6:2001:db8::/32 -all")),
	      "192.0.2.0/25 2001:db8::/32");
	/* Where there is an all, there is no redirect; behind it, there is nothing. */
	gives(ROWS(TXT("x.example", "v=spf1 redirect=z.example ip4:192.0.2.1 ~all ip4:192.0.2.2")),
	      "192.0.2.1");
	/* A null MX, and one of which the name does not exist. */
	gives(ROWS(TXT("x.example", "v=spf1 mx ip4:192.0.2.1 -all"), MX("x.example", "."),
		   MX("x.example", "gone.example")),
	      "192.0.2.1");
}

static void what_cannot_be_expanded_is_noted(void **state)
{
	char text[4096];
	struct zone zone;

	(void)state;
	assert_int_equal(expand(ROWS(TXT("x.example", "v=spf1 exists:%{i}.x.example ptr a:%{d} "
						      "-ip4:192.0.2.9 ~a ip4:192.0.2.0/24 -all")),
				text, &zone),
			 0);
	assert_string_equal(text, "192.0.2.0/24");
	assert_int_equal(zone.notes, 4);
	assert_int_equal(zone.queries, 1);
}

static void failures_are_no_networks(void **state)
{
	(void)state;
	refused(ROWS(TXT("y.example", "v=spf1")), -ENOENT, "x.example: no SPF record");
	refused(ROWS(TXT("x.example", "v=spf1 -all")), -ENOENT, "names no network");
	refused(ROWS(TXT("x.example", "v=spf1 mx"), TXT("x.example", "v=spf1 a")), -EINVAL,
		"more than one");
	refused(ROWS(TXT("x.example", "v=spf1 include:y.example")), -ENOENT,
		"y.example: no SPF record");
	refused(ROWS(TXT("x.example", "v=spf1 redirect=y.example")), -ENOENT, "y.example");
	refused(ROWS(TXT("x.example", "v=spf1 redirect=a.example redirect=b.example")), -EINVAL,
		"two times");
	refused(ROWS(TXT("x.example", "v=spf1 ip4:192.0.2.1 foo:bar -all")), -EINVAL,
		"wrong SPF record");
	refused(ROWS(TXT("x.example", "!")), -EIO, "the zone is broken");
	refused(ROWS(TXT("x.example", "v=spf1 a ip4:192.0.2.1"), A("x.example", "!")), -EIO,
		"the zone is broken");
	refused(ROWS(TXT("x.example", "v=spf1 a ip4:192.0.2.1"), A("x.example", "192.0.2.2"),
		     AAAA("x.example", "!")),
		-EIO, "the zone is broken");
}

static void the_absurd_is_refused(void **state)
{
	(void)state;
	refused(ROWS(TXT("x.example", "v=spf1 +all")), -ERANGE, "everybody");
	refused(ROWS(TXT("x.example", "v=spf1 include:y.example -all"),
		     TXT("y.example", "v=spf1 all")),
		-ERANGE, "y.example: the record lets everybody");
	refused(ROWS(TXT("x.example", "v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1")), -ERANGE,
		"0.0.0.0/1 is wider");
	refused(ROWS(TXT("x.example", "v=spf1 ip4:10.0.0.0/11")), -ERANGE, "10.0.0.0/11 is wider");
	gives(ROWS(TXT("x.example", "v=spf1 ip4:10.0.0.0/12")), "10.0.0.0/12");
	refused(ROWS(TXT("x.example", "v=spf1 ip6:2001:db8::/31")), -ERANGE, "wider");
	refused(ROWS(TXT("x.example", "v=spf1 ip6:::ffff:0:0/96")), -ERANGE, "wider");
	refused(ROWS(TXT("x.example", "v=spf1 a/0"), A("x.example", "192.0.2.1")), -ERANGE,
		"wider");
	/* Five networks of a million addresses. */
	refused(ROWS(TXT("x.example", "v=spf1 ip4:10.0.0.0/12 ip4:11.0.0.0/12 ip4:12.0.0.0/12 "
				      "ip4:13.0.0.0/12 ip4:14.0.0.0/12")),
		-ERANGE, "all together");
}

static void the_limits_of_the_rfc_hold(void **state)
{
	struct zone_row rows[16] = { TXT("x.example", "v=spf1 mx ip4:192.0.2.1") };
	char text[4096];
	struct zone zone;

	(void)state;
	/* A loop ends after ten look-ups. */
	assert_int_equal(
		expand(ROWS(TXT("x.example", "v=spf1 include:x.example -all")), text, &zone),
		-E2BIG);
	assert_int_equal(zone.queries, 11);
	gives(ROWS(TXT("x.example", "v=spf1 a a a a a a a a a a -all"),
		   A("x.example", "192.0.2.1")),
	      "192.0.2.1");
	refused(ROWS(TXT("x.example", "v=spf1 a a a a a a a a a a a -all"),
		     A("x.example", "192.0.2.1")),
		-E2BIG, "more than 10 look-ups");
	/* Those that are not taken over count too. */
	refused(ROWS(TXT("x.example", "v=spf1 ptr ptr ptr ptr ptr ?a ?a ?a ~mx ~mx "
				      "exists:%{i}.x.example ip4:192.0.2.1")),
		-E2BIG, "more than 10 look-ups");
	gives(ROWS(TXT("x.example", "v=spf1 a:a.example mx:a.example ip4:192.0.2.1")), "192.0.2.1");
	refused(ROWS(TXT("x.example", "v=spf1 a:a.example mx:a.example a:b.example "
				      "ip4:192.0.2.1")),
		-E2BIG, "without an answer");
	for (size_t i = 1; i <= 11; i++)
		rows[i] = (struct zone_row)MX("x.example", "m.example");
	rows[12] = (struct zone_row)A("m.example", "192.0.2.2");
	refused(rows, -E2BIG, "more than 10 mail hosts");
	rows[11] = (struct zone_row)A("m.example", "192.0.2.3");
	gives(rows, "192.0.2.1 192.0.2.2 192.0.2.3");
}

static void covered_networks_are_dropped(void **state)
{
	(void)state;
	gives(ROWS(TXT("x.example", "v=spf1 ip4:192.0.2.0/25 ip4:192.0.2.0/24 ip4:192.0.2.9 "
				    "ip4:192.0.2.9 ip4:192.0.3.0/24")),
	      "192.0.2.0/24 192.0.3.0/24");
}

/* --- records as they stand in messages --- */

static void decodes(enum spf_type type, const char *data, size_t size, const char *want)
{
	struct spf_answer answer = { 0 };

	assert_int_equal(spf_dns_decode(type, data, size, &answer), 0);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.values[0].size, strlen(want));
	assert_memory_equal(answer.values[0].data, want, strlen(want));
	spf_answer_done(&answer);
}

static void does_not_decode(enum spf_type type, const char *data, size_t size)
{
	struct spf_answer answer = { 0 };

	assert_int_equal(spf_dns_decode(type, data, size, &answer), -EINVAL);
	assert_int_equal(answer.count, 0);
	spf_answer_done(&answer);
}

static void records_of_messages(void **state)
{
	(void)state;
	decodes(SPF_TYPE_TXT, "\7v=spf1 \3-al\1l", 14, "v=spf1 -all");
	decodes(SPF_TYPE_TXT, "\0", 1, "");
	decodes(SPF_TYPE_MX, "\0\12\1m\7example\0", 13, "m.example");
	decodes(SPF_TYPE_MX, "\0\0\0", 3, ".");
	decodes(SPF_TYPE_A, "abcd", 4, "abcd");
	does_not_decode(SPF_TYPE_A, "abc", 3);
	does_not_decode(SPF_TYPE_AAAA, "abcd", 4);
	does_not_decode(SPF_TYPE_TXT, "\10v=spf1", 7);
	does_not_decode(SPF_TYPE_MX, "\0", 1);
	does_not_decode(SPF_TYPE_MX, "\0\12\1m", 4);
	does_not_decode(SPF_TYPE_MX, "\0\12\1m\0x", 6);
	does_not_decode(SPF_TYPE_MX, "\0\12\100m", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_are_collected),
		cmocka_unit_test(what_cannot_be_expanded_is_noted),
		cmocka_unit_test(failures_are_no_networks),
		cmocka_unit_test(the_absurd_is_refused),
		cmocka_unit_test(the_limits_of_the_rfc_hold),
		cmocka_unit_test(covered_networks_are_dropped),
		cmocka_unit_test(records_of_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
