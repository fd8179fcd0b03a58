/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs of the command line tool that an agent answers: what each command asks and prints; and
 * command lines that are refused before anybody is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli_lab.h"

/* Every command: the request that it sends, and what it prints for a plain reply. */
static const struct {
	const char *text;
	const char *request;
	const char *reply;
	const char *out;
} requests[] = {
	{ "--json status", "\"status\",\"arguments\":{}",
	  OK("{\"services\":[],\"syn_packets\":{}}"), "{\"services\": [], \"syn_packets\": {}}\n" },
	{ "top", "\"top\",\"arguments\":{\"count\":20,\"by\":\"attempts\"}",
	  OK("{\"age_seconds\":1,\"sources\":[]}"), "counted 1 s ago\n\nno sources are tracked\n" },
	{ "top -n 7 --by connections --once --json",
	  "\"top\",\"arguments\":{\"count\":7,\"by\":\"connections\"}",
	  OK("{\"age_seconds\":1,\"sources\":[]}"), "{\"age_seconds\": 1, \"sources\": []}\n" },
	{ "show [2001:DB8:0::1]", "\"show\",\"arguments\":{\"address\":\"2001:db8::1\"}",
	  OK("{\"services\":[],\"address\":\"2001:db8::1\",\"prefix\":\"2001:db8::1\","
	     "\"exempt\":true,"
	     "\"blocked\":false}"),
	  "2001:db8::1\nexempt   yes\nblocked  no\n" },
	{ "exception list", "\"exception list\",\"arguments\":{}", OK("{\"exceptions\":[]}"),
	  "no exceptions\n" },
	{ "exception add 10.0.0.0/8 [2001:db8::]/84 2001:db8::1",
	  "\"exception add\",\"arguments\":{\"prefixes\":[\"10.0.0.0/8\",\"2001:db8::/84\","
	  "\"2001:db8::1\"]}",
	  OK("{}"),
	  "exception added: 10.0.0.0/8\nexception added: 2001:db8::/84\nexception added: "
	  "2001:db8::1\n" },
	{ "exception delete 10.0.0.1",
	  "\"exception delete\",\"arguments\":{\"prefixes\":[\"10.0.0.1\"]}", OK("{}"),
	  "exception deleted: 10.0.0.1\n" },
	{ "block list", "\"block list\",\"arguments\":{}", OK("{\"blocks\":[]}"), "no blocks\n" },
	{ "block add 10.0.0.1 --for 2h",
	  "\"block add\",\"arguments\":{\"prefixes\":[\"10.0.0.1\"],\"seconds\":7200}", OK("{}"),
	  "block added: 10.0.0.1\n" },
	{ "block add 10.0.0.1", "\"block add\",\"arguments\":{\"prefixes\":[\"10.0.0.1\"]}",
	  OK("{}"), "block added until deleted: 10.0.0.1\n" },
	{ "--json block delete 10.0.0.1",
	  "\"block delete\",\"arguments\":{\"prefixes\":[\"10.0.0.1\"]}", OK("{}"), "{}\n" },
	{ "events --since 3000w", "\"events\",\"arguments\":{\"since\":316224000}",
	  OK("{\"events\":[]}"), "no events\n" },
	{ "events", "\"events\",\"arguments\":{}", OK("{\"events\":[]}"), "no events\n" },
	{ "events 10.0.0.0/24 --since 1d",
	  "\"events\",\"arguments\":{\"address\":\"10.0.0.0/24\",\"since\":86400}",
	  OK("{\"events\":[]}"), "no events\n" },
	{ "config --changed", "\"config\",\"arguments\":{\"changed\":true}",
	  OK("{\"parameters\":[]}"), "" },
	{ "--json config", "\"config\",\"arguments\":{\"changed\":false}",
	  OK("{\"parameters\":[]}"), "{\"parameters\": []}\n" },
	{ "advise", "\"advise\",\"arguments\":{}", OK("{\"services\":[]}"),
	  "no advice yet: the first count is not complete\n" },
	{ "reload", "\"reload\",\"arguments\":{}", OK("{}"), "reloaded\n" },
	{ "restart", "\"restart\",\"arguments\":{}", OK("{}"),
	  "the agent has left, the limiter stays at work\n" },
	{ "detach", "\"detach\",\"arguments\":{}", OK("{}"), "detached\n" },
};

static void test_requests(void **state)
{
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct script script = { .reply = requests[i].reply, .leaves = true };
		_cleanup_outcome_ struct outcome got = { 0 };
		char request[512] = "";
		char want[512];
		ssize_t size;

		agent_start(lab, &script);
		got = run(lab, requests[i].text);
		size = read(lab->requests, request, sizeof(request) - 1);
		/* the agent writes byte by byte, and had them all before it replied */
		assert_true(size > 0);
		agent_stop(lab);
		(void)snprintf(want, sizeof(want), "{\"version\":1,\"command\":%s}\n",
			       requests[i].request);
		assert_string_equal(request, want);
		expect(&got, CLI_DONE, requests[i].out, "");
	}
}

/* Each mistake is found before anybody is asked: there is no agent here. */
static void test_mistakes(void **state)
{
	static const struct {
		const char *text;
		enum cli_status status;
		const char *err;
	} rows[] = {
		{ "", CLI_USAGE, "synanvil: no command given; `synanvil help` lists them\n" },
		{ "nope", CLI_USAGE,
		  "synanvil: unknown command nope; `synanvil help` lists them\n" },
		{ "nope --help", CLI_USAGE,
		  "synanvil: unknown command nope; `synanvil help` lists them\n" },
		{ "help nope", CLI_USAGE,
		  "synanvil: help: unknown command nope; `synanvil help` lists them\n" },
		{ "top -n 0", CLI_USAGE,
		  "synanvil: top: -n takes a number from 1 to 1000, not 0\n" },
		{ "top -n 5x", CLI_USAGE,
		  "synanvil: top: -n takes a number from 1 to 1000, not 5x\n" },
		{ "top --by name", CLI_USAGE,
		  "synanvil: top: --by takes attempts, dropped or connections, not name\n" },
		{ "show 10.0.0.0/8", CLI_USAGE, "synanvil: show: 10.0.0.0/8 is no IP address\n" },
		{ "events mx.example.com", CLI_USAGE,
		  "synanvil: mx.example.com: not an IPv4 or IPv6 address\n" },
		{ "events --since yesterday", CLI_USAGE,
		  "synanvil: events: --since takes a time such as 90s, 10m or 2h, not "
		  "yesterday\n" },
		{ "block add 10.0.0.1 --for 1h30m", CLI_USAGE,
		  "synanvil: block add: --for takes a time such as 90s, 10m or 2h, not 1h30m\n" },
		{ "block add 10.0.0.1 --for 0", CLI_USAGE,
		  "synanvil: block add: --for takes a time such as 90s, 10m or 2h, not 0\n" },
		{ "block add 10.0.0.1 --for 600w", CLI_USAGE,
		  "synanvil: block add: --for takes ten years at most, not 600w; without --for a "
		  "block lasts until it is deleted\n" },
		{ "status --for\x1b[2J", CLI_USAGE,
		  "synanvil: unknown option --for\\x1b[2J; `synanvil help` lists them\n" },
	};
	const struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_outcome_ struct outcome got = run(lab, rows[i].text);

		expect(&got, rows[i].status, "", rows[i].err);
	}
}

static void test_prefix_mistakes(void **state)
{
	static const char *const words[] = { "10.0.0.0/33", "10.0.0.256", "2001:db8::/129", "mx",
					     "" };
	const struct lab *lab = *state;
	_cleanup_outcome_ struct outcome got = run(lab, "block add 10.0.0.0/8 10.0.0.1/8");

	assert_int_equal(got.status, CLI_USAGE);
	assert_non_null(strstr(got.err, "synanvil: 10.0.0.1/8: "));
	assert_non_null(strstr(got.err, "; did you mean 10.0.0.0/8?\n"));
	for (size_t i = 0; words[i][0]; i++) {
		_cleanup_free_ char *text = NULL;
		_cleanup_outcome_ struct outcome wrong = { 0 };

		assert_true(asprintf(&text, "exception add %s", words[i]) > 0);
		wrong = run(lab, text);
		assert_int_equal(wrong.status, CLI_USAGE);
		assert_non_null(strstr(wrong.err, words[i]));
		assert_string_equal(wrong.out, "");
	}
}

static void test_warnings(void **state)
{
	static const struct script script = {
		.reply = "{\"version\":1,\"ok\":true,\"result\":{},\"warnings\":[\"10.0.0.1 is "
			 "exempt\\u001b[2J\",\"second\"]}\n",
	};
	static const struct outcome want = {
		CLI_DONE,
		"{}\n",
		"synanvil: warning: 10.0.0.1 is exempt\\x1b[2J\nsynanvil: warning: second\n",
	};

	expect_answer(*state, &script, "--json block add 10.0.0.1", &want);
}

/* A reply that comes in many reads, and one that is far longer than any buffer to start with. */
static void test_long_reply(void **state)
{
	struct lab *lab = *state;
	struct script script = { 0 };
	_cleanup_free_ char *reply = NULL;
	_cleanup_outcome_ struct outcome got = { 0 };
	size_t size;
	FILE *stream = open_memstream(&reply, &size);

	assert_non_null(stream);
	(void)fputs("{\"version\":1,\"ok\":true,\"result\":{\"exceptions\":[", stream);
	for (int i = 0; i < 20000; i++)
		(void)fprintf(
			stream,
			"%s{\"prefix\":\"10.%d.%d.1\",\"exempt\":true,\"origin\":\"runtime\"}",
			i ? "," : "", i / 256, i % 256);
	(void)fputs("]}}\n", stream);
	assert_int_equal(fclose(stream), 0);
	script.reply = reply;
	agent_start(lab, &script);
	got = run(lab, "exception list");
	assert_int_equal(got.status, CLI_DONE);
	assert_non_null(strstr(got.out, "\n10.78.31.1   yes     runtime\n"));
}

/* The stream goes on after the reply, in the same read or a later one, until the agent leaves. */
static void test_follow(void **state)
{
	static const struct script good = {
		.reply = OK(
			"{\"events\":[{\"time\":\"a\"}]}") "{\"time\":\"b\"}\n{\"time\":\"c\"}\n",
	};
	static const struct outcome want = {
		CLI_NO_AGENT,
		"{\"time\": \"a\"}\n{\"time\": \"b\"}\n{\"time\": \"c\"}\n",
		"synanvil: the agent has ended the connection\n",
	};
	static const struct script bad = { .reply =
						   OK("{\"events\":[]}") "{\"time\":\"b\"}\n[]\n" };
	static const struct outcome want_bad = {
		CLI_FAILED,
		"{\"time\": \"b\"}\n",
		"synanvil: the agent sent a line that is no JSON object\n",
	};

	expect_answer(*state, &good, "--json events --follow", &want);
	expect_answer(*state, &bad, "--json events --follow", &want_bad);
}

static void test_full_disk(void **state)
{
	static const struct script script = { .reply = OK("{\"blocks\":[]}") };
	struct lab *lab = *state;
	char *argv[] = { "synanvil", "-s", lab->socket_path, "--json", "block", "list", NULL };
	struct cli cli = { .timeout_ms = 1000, .out = fopen("/dev/full", "we") };
	_cleanup_free_ char *err = NULL;
	size_t size;
	enum cli_status status;

	assert_non_null(cli.out);
	cli.err = open_memstream(&err, &size);
	agent_start(lab, &script);
	status = cli_finish(&cli, cli_run(&cli, 6, argv));
	assert_int_equal(fclose(cli.err), 0);
	assert_int_equal(status, CLI_FAILED);
	assert_string_equal(err, "synanvil: standard output: No space left on device\n");
}

static void test_version(void **state)
{
	_cleanup_outcome_ struct outcome text = run(*state, "version");
	_cleanup_outcome_ struct outcome json = run(*state, "version --json");

	expect(&text, CLI_DONE, "synanvil " SYNANVIL_VERSION "\n", "");
	expect(&json, CLI_DONE, "{\"version\": \"" SYNANVIL_VERSION "\"}\n", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(test_requests),  LAB_TEST(test_mistakes),   LAB_TEST(test_prefix_mistakes),
		LAB_TEST(test_warnings),  LAB_TEST(test_long_reply), LAB_TEST(test_follow),
		LAB_TEST(test_full_disk), LAB_TEST(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
