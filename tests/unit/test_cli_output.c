/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every renderer against tests/golden/cli: NAME.json is the result as the agent sends it, and what
 * --json prints; NAME.txt is what a person sees. UPDATE_GOLDEN=1 writes the latter anew, to be read
 * before it is committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "output.h"
#include "output_text.h"
#include "text_form.h"
#include "text_table.h"
#include "text_value.h"

#define GOLDEN "tests/golden/cli/"

typedef int renderer(FILE *stream, const json_t *result);

struct golden {
	const char *name;
	size_t renderer; /* offset in struct output */
};

#define CASE(name, member)                            \
	{                                             \
		name, offsetof(struct output, member) \
	}

static const struct golden cases[] = {
	CASE("status", status),
	CASE("status_monitor", status),
	CASE("status_stale", status),
	CASE("top", top),
	CASE("top_empty", top),
	CASE("show", show),
	CASE("show_ipv6", show),
	CASE("exceptions", exceptions),
	CASE("exceptions_empty", exceptions),
	CASE("blocks", blocks),
	CASE("blocks_empty", blocks),
	CASE("events", events),
	CASE("events_empty", events),
	CASE("config", config),
	CASE("check", check),
	CASE("check_empty", check),
	CASE("advise", advise),
	CASE("advise_empty", advise),
	CASE("version", version),
	CASE("hostile", show),
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static renderer *renderer_of(const struct output *output, size_t offset)
{
	renderer *function;

	memcpy(&function, (const char *)output + offset, sizeof(function));
	return function;
}

static char *path_of(const char *name, const char *suffix)
{
	char *path = NULL;

	assert_true(asprintf(&path, GOLDEN "%s%s", name, suffix) > 0);
	return path;
}

static char *read_all(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char *text = calloc(1, 65536);

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, file) < 65535);
	return text;
}

static json_t *load(const char *name)
{
	_cleanup_free_ char *path = path_of(name, ".json");
	json_t *value = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(value);
	return value;
}

static char *render(renderer *function, const json_t *value)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(function(stream, value), 0);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		_cleanup_free_ char *path = path_of(cases[i].name, ".txt");
		json_t *value = load(cases[i].name);
		_cleanup_free_ char *got =
			render(renderer_of(&output_text, cases[i].renderer), value);
		_cleanup_free_ char *want = NULL;

		json_decref(value);
		if (getenv("UPDATE_GOLDEN")) {
			_cleanup_fclose_ FILE *file = fopen(path, "we");

			assert_non_null(file);
			assert_true(fputs(got, file) >= 0);
			continue;
		}
		want = read_all(path);
		if (strcmp(got, want) != 0)
			fail_msg("%s: got\n%swant\n%s", cases[i].name, got, want);
	}
}

/* Result objects print as they came, byte for byte; events one a line. */
static void test_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		_cleanup_free_ char *path = path_of(cases[i].name, ".json");
		json_t *value = load(cases[i].name);
		_cleanup_free_ char *got =
			render(renderer_of(&output_json, cases[i].renderer), value);
		_cleanup_free_ char *want = read_all(path);

		json_decref(value);
		if (strncmp(cases[i].name, "events", 6) == 0)
			continue;
		/* the one input that is not written as it is printed: its numbers and DEL have
		 * other spellings */
		if (strcmp(cases[i].name, "hostile") == 0)
			continue;
		assert_string_equal(got, want);
	}
}

static void test_json_events(void **state)
{
	json_t *value = load("events");
	json_t *empty = load("events_empty");
	_cleanup_free_ char *got = render(output_json.events, value);
	_cleanup_free_ char *none = render(output_json.events, empty);
	_cleanup_free_ char *one =
		render(output_json.event, json_array_get(json_object_get(value, "events"), 2));
	const char *rest = got;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		json_t *event = json_loads(rest, JSON_DISABLE_EOF_CHECK, NULL);

		assert_true(json_equal(event, json_array_get(json_object_get(value, "events"), i)));
		json_decref(event);
		rest = strchr(rest, '\n') + 1;
	}
	assert_string_equal(rest, "");
	assert_string_equal(none, "");
	assert_string_equal(one, "{\"time\": \"not a time\", \"address\": \"198.51.100.7\", "
				 "\"prefix\": \"198.51.100.7\", \"service\": \"25\", \"reason\": "
				 "\"blocked\", \"count\": 0, \"limit\": 0}\n");
	json_decref(value);
	json_decref(empty);
}

static void test_event_line(void **state)
{
	json_t *value = load("events");
	const json_t *events = json_object_get(value, "events");
	_cleanup_free_ char *rate = render(output_text.event, json_array_get(events, 0));
	_cleanup_free_ char *blocked = render(output_text.event, json_array_get(events, 2));

	(void)state;
	assert_string_equal(rate,
			    "2026-10-25T01:59:59+02:00  192.0.2.1        25       rate         "
			    "    31/30\n");
	assert_string_equal(blocked,
			    "not a time                 198.51.100.7     25       blocked      "
			    "        -\n");
	json_decref(value);
}

/* A reply of a stranger: nothing that it lacks or mistypes may crash, and no byte of it may reach a
 * terminal raw. */
static void test_strangers(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"services\": 1, \"sources\": \"x\", \"interfaces\": {}, \"syn_packets\": [1], "
		"\"exceptions\": [[]], \"blocks\": [null], \"events\": [1], \"parameters\": [0], "
		"\"errors\": [{}], \"warnings\": [2]}",
		"{\"syn_packets\": {\"pass\": {\"\\u001b[31m\": 1}}, \"version\": \"\\u001b\", "
		"\"enforcement\": \"\\u001b\", \"errors\": [{\"file\": \"\\u001b\", \"message\": "
		"\"\\u001b\"}], \"parameters\": [{\"name\": \"\\u001b\", \"value\": \"\\u001b\", "
		"\"origin\": {\"file\": \"\\u001b\"}}], \"services\": [{\"service\": "
		"\"\\u001b\"}]}",
	};

	(void)state;
	for (size_t t = 0; t < 3; t++) {
		json_t *value = json_loads(texts[t], 0, NULL);

		assert_non_null(value);
		for (size_t i = 0; i < CASES; i++) {
			_cleanup_free_ char *text =
				render(renderer_of(&output_text, cases[i].renderer), value);
			_cleanup_free_ char *json =
				render(renderer_of(&output_json, cases[i].renderer), value);

			assert_null(strchr(text, '\033'));
			assert_null(strchr(json, '\033'));
		}
		json_decref(value);
	}
}

static void test_done(void **state)
{
	json_t *result = json_object();
	json_t *items = json_pack("[s, s]", "192.0.2.0/24", "2001:db8::/84");
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(output_text.done(stream, result, "block added", items), 0);
	assert_int_equal(output_text.done(stream, result, "reloaded", NULL), 0);
	assert_int_equal(output_json.done(stream, result, "reloaded", items), 0);
	assert_int_equal(fclose(stream), 0);
	assert_string_equal(
		text, "block added: 192.0.2.0/24\nblock added: 2001:db8::/84\nreloaded\n{}\n");
	free(text);
	json_decref(items);
	json_decref(result);
}

static void test_write_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		FILE *full = fopen("/dev/full", "we");
		json_t *value = load(cases[i].name);

		assert_non_null(full);
		assert_int_equal(setvbuf(full, NULL, _IONBF, 0), 0);
		if (strcmp(cases[i].name, "check_empty") != 0)
			assert_int_not_equal(
				renderer_of(&output_text, cases[i].renderer)(full, value), 0);
		json_decref(value);
		(void)fclose(full);
	}
}

/* On a live screen of 80 columns a full IPv6 prefix stays whole, and a long service loses its
 * beginning. */
static void test_sources_fit(void **state)
{
	json_t *value = load("top");
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	char *rest = NULL;

	(void)state;
	assert_int_equal(text_sources(stream, value, 80), 0);
	assert_int_equal(fclose(stream), 0);
	assert_non_null(strstr(text, "2001:db8:1234:5678:9abc:d000::/84  "));
	assert_non_null(strstr(text, "~"));
	assert_non_null(strstr(text, ":25 "));
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_int_equal(strlen(line), 80);
	free(text);
	json_decref(value);
}

static void test_durations(void **state)
{
	static const struct {
		int64_t seconds;
		const char *want;
	} rows[] = {
		{ 0, "0 s" },     { 1, "1 s" },         { 59, "59 s" },
		{ 60, "1 min" },  { 61, "1 min 1 s" },  { 3599, "59 min 59 s" },
		{ 3600, "1 h" },  { 3659, "1 h" },      { 86399, "23 h 59 min" },
		{ 86400, "1 d" }, { 90000, "1 d 1 h" }, { 3153600000, "36500 d" },
		{ -5, "-5 s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[DURATION_TEXT_SIZE];

		duration_format(rows[i].seconds, got);
		assert_string_equal(got, rows[i].want);
	}
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* NULL: refused */
	} rows[] = {
		{ "2026-01-22T23:30:00Z", "2026-01-23T00:30:00+01:00" },
		{ "2026-07-22T23:30:00.999Z", "2026-07-23T01:30:00+02:00" },
		{ "2026-07-22T23:30:00+02:00", "2026-07-22T23:30:00+02:00" },
		{ "2026-07-22T23:30:00-11:30", "2026-07-23T13:00:00+02:00" },
		{ "2026-07-22T23:30:00", NULL },
		{ "2026-07-22T23:30:00Z ", NULL },
		{ "2026-07-22 23:30:00Z", NULL },
		{ "", NULL },
		{ "\033", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[TIME_TEXT_SIZE] = "untouched";
		bool is_time = time_format_local(rows[i].text, got);

		assert_int_equal(is_time, rows[i].want != NULL);
		assert_string_equal(got, is_time ? rows[i].want : "untouched");
	}
}

static void test_reasons(void **state)
{
	(void)state;
#define REASON(number, name, token, effect, sentence) \
	assert_string_equal(reason_sentence(#token), sentence);
#include "synanvil/reasons.def"
#undef REASON
	assert_string_equal(reason_sentence("of_a_later_version"), "of_a_later_version");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),         cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_events),  cmocka_unit_test(test_event_line),
		cmocka_unit_test(test_strangers),    cmocka_unit_test(test_done),
		cmocka_unit_test(test_write_errors), cmocka_unit_test(test_sources_fit),
		cmocka_unit_test(test_durations),    cmocka_unit_test(test_times),
		cmocka_unit_test(test_reasons),
	};

	if (setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1))
		return 1;
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
