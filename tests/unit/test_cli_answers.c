/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All the ways in which a conversation with an agent can fail, and the exit status and the one line
 * that follow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli_lab.h"

static void expect_nobody(struct lab *lab, const char *end)
{
	_cleanup_free_ char *err = NULL;
	_cleanup_outcome_ struct outcome got = run(lab, "status");

	assert_true(asprintf(&err, "synanvil: no agent answers: %s%s\n", end, lab->socket_path) >
		    0);
	expect(&got, CLI_NO_AGENT, "", err);
}

static void test_nobody(void **state)
{
	struct lab *lab = *state;

	expect_nobody(lab, "there is no socket ");
	listen_here(lab);
	(void)close(lab->listener); /* as an agent that was killed leaves it */
	lab->listener = -1;
	expect_nobody(lab, "nobody listens on ");
}

static void test_permission(void **state)
{
	struct lab *lab = *state;
	struct script script = { .reply = OK("{}") };
	_cleanup_outcome_ struct outcome got = { 0 };
	_cleanup_free_ char *err = NULL;
	bool root = geteuid() == 0;

	agent_start(lab, &script);
	assert_int_equal(chmod(lab->directory, 0755), 0);
	assert_int_equal(chmod(lab->socket_path, 0), 0);
	if (root)
		assert_int_equal(seteuid(NOBODY), 0);
	got = run(lab, "status");
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_true(asprintf(&err,
			     "synanvil: no permission for %s: be root, or a member of the agent's "
			     "control_group\n",
			     lab->socket_path) > 0);
	expect(&got, CLI_FAILED, "", err);
}

static void test_path_too_long(void **state)
{
	struct lab lab = *(struct lab *)*state;
	_cleanup_outcome_ struct outcome got = { 0 };

	memset(lab.socket_path, 'x', sizeof(lab.socket_path) - 1);
	lab.socket_path[sizeof(lab.socket_path) - 1] = '\0';
	got = run(&lab, "status");
	assert_int_equal(got.status, CLI_USAGE);
	assert_non_null(strstr(got.err, "a socket's path has 1 to 107 characters\n"));
}

static void test_bad_answers(void **state)
{
	static const struct {
		struct script script;
		struct outcome want;
	} rows[] = {
		{ { .silent = true },
		  { CLI_NO_AGENT, "", "synanvil: no agent answers: no reply for 1 s\n" } },
		{ { .reply = NULL },
		  { CLI_NO_AGENT, "",
		    "synanvil: no agent answers: the connection was closed without a reply\n" } },
		{ { .reply = "{\"version\":1,\"ok\":tr" },
		  { CLI_FAILED, "", "synanvil: the agent's reply was cut short\n" } },
		{ { .reply = "{\"version\":1,\"ok\":tr", .silent = true },
		  { CLI_FAILED, "", "synanvil: the agent's reply stopped half way\n" } },
		{ { .reply = BAD("no such block: 10.0.0.1") },
		  { CLI_FAILED, "", "synanvil: no such block: 10.0.0.1\n" } },
		{ { .reply = BAD("a.cf:3: error: x: bad\\na.cf:4: error: y: \\u001b[2J") },
		  { CLI_FAILED, "",
		    "synanvil: a.cf:3: error: x: bad\nsynanvil: a.cf:4: error: y: \\x1b[2J\n" } },
		{ { .reply = BAD("") }, { CLI_FAILED, "", "synanvil: failed\n" } },
		{ { .reply = BAD("too many connections"), .deaf = true },
		  { CLI_FAILED, "", "synanvil: too many connections\n" } },
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_answer(lab, &rows[i].script, "reload", &rows[i].want);
}

static void test_strangers(void **state)
{
	static const struct script rows[] = {
		{ .reply = "220 mx.example.com ESMTP\r\n" },
		{ .reply = "\0\0\0\n", .reply_size = 4 },
		{ .reply = "{\"version\":2,\"ok\":true,\"result\":{}}\n" },
		{ .reply = "\n" },
		{ .reply = "[1]\n" },
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_outcome_ struct outcome got = { 0 };

		agent_start(lab, &rows[i]);
		got = run(lab, "status");
		agent_stop(lab);
		assert_int_equal(got.status, CLI_FAILED);
		assert_string_equal(got.out, "");
		assert_non_null(strstr(got.err, "is no agent that this program understands: "));
	}
}

/* An agent that answers, but not the question: never dashes and a success. */
static void test_half_empty(void **state)
{
	static const char *const commands[] = { "status",        "--json status",  "top --once",
						"show 10.0.0.1", "exception list", "block list",
						"events",        "config",         "advise" };
	static const struct script script = { .reply = OK("{\"version\":\"9\"}") };
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		_cleanup_outcome_ struct outcome got = { 0 };

		agent_start(lab, &script);
		got = run(lab, commands[i]);
		agent_stop(lab);
		assert_int_equal(got.status, CLI_FAILED);
		assert_string_equal(got.out, "");
		assert_non_null(strstr(got.err, "it may be of another version\n"));
	}
}

/* An agent that agrees to leave, and stays. */
static void test_still_there(void **state)
{
	static const struct script script = { .reply = OK("{}") };
	static const struct outcome want = {
		CLI_FAILED,
		"",
		"synanvil: the agent has agreed to leave, but is still there\n",
	};

	expect_answer(*state, &script, "restart", &want);
	expect_answer(*state, &script, "detach", &want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(test_nobody),      LAB_TEST(test_permission), LAB_TEST(test_path_too_long),
		LAB_TEST(test_bad_answers), LAB_TEST(test_strangers),  LAB_TEST(test_still_there),
		LAB_TEST(test_half_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
