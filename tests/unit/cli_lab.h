/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small agent for the tests of the command line tool: a process that answers each connection as
 * its script says. Included after cmocka.h, once by each test.
 */
#ifndef TESTS_CLI_LAB_H
#define TESTS_CLI_LAB_H

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "cli.h"

#define ARGUMENTS_MAX 16
#define NOBODY        65534

#define OK(result)    "{\"version\":1,\"ok\":true,\"result\":" result ",\"warnings\":[]}\n"
#define BAD(reason)   "{\"version\":1,\"ok\":false,\"error\":\"" reason "\"}\n"

/* What the agent does with a connection. */
struct script {
	const char *reply; /* sent as it is once the request is complete; NULL: nothing */
	size_t reply_size; /* 0: up to the NUL */
	bool leaves;       /* ends after it has answered */
	bool silent;       /* keeps the connection open until the client goes */
	bool deaf;         /* answers without reading the request */
};

struct lab {
	char directory[64];
	char socket_path[128];
	int listener;
	int requests; /* what the agent was sent */
	pid_t agent;
};

struct outcome {
	enum cli_status status;
	char *out;
	char *err;
};

static inline void outcome_done(struct outcome *outcome)
{
	free(outcome->out);
	free(outcome->err);
}

#define _cleanup_outcome_ _cleanup_(outcome_done)

static inline int lab_open(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	strcpy(lab->directory, "/tmp/synanvil-cli-XXXXXX");
	assert_non_null(mkdtemp(lab->directory));
	(void)snprintf(lab->socket_path, sizeof(lab->socket_path), "%s/control.sock",
		       lab->directory);
	lab->listener = -1;
	lab->requests = -1;
	*state = lab;
	return 0;
}

static inline void agent_stop(struct lab *lab)
{
	if (lab->agent > 0) {
		(void)kill(lab->agent, SIGKILL);
		assert_int_equal(waitpid(lab->agent, NULL, 0), lab->agent);
	}
	if (lab->listener >= 0)
		(void)close(lab->listener);
	if (lab->requests >= 0)
		(void)close(lab->requests);
	lab->agent = 0;
	lab->listener = -1;
	lab->requests = -1;
	(void)unlink(lab->socket_path);
}

static inline int lab_close(void **state)
{
	struct lab *lab = *state;

	agent_stop(lab);
	assert_int_equal(rmdir(lab->directory), 0);
	free(lab);
	return 0;
}

static inline void listen_here(struct lab *lab)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	assert_true(strlen(lab->socket_path) < sizeof(address.sun_path));
	strcpy(address.sun_path, lab->socket_path);
	lab->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(lab->listener >= 0);
	assert_int_equal(bind(lab->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(lab->listener, 8), 0);
}

/* One connection in the agent's process. */
static inline void serve(int connection, const struct script *script, int requests)
{
	size_t size = script->reply_size;
	char byte = 0;

	if (script->reply && !size)
		size = strlen(script->reply);
	while (!script->deaf && byte != '\n') {
		if (read(connection, &byte, 1) != 1)
			return;
		if (write(requests, &byte, 1) != 1)
			return;
	}
	if (script->reply && send(connection, script->reply, size, MSG_NOSIGNAL) != (ssize_t)size)
		return;
	while (script->silent && read(connection, &byte, 1) == 1)
		continue;
}

/* The agent's process. Says that it listens with one byte, then tells what it is asked. */
static inline void agent_main(struct lab *lab, const struct script *script, int requests)
{
	listen_here(lab);
	if (write(requests, "!", 1) != 1)
		_exit(1);
	do {
		int connection = accept(lab->listener, NULL, NULL);

		serve(connection, script, requests);
		(void)close(connection);
	} while (!script->leaves);
	_exit(0);
}

static inline void agent_start(struct lab *lab, const struct script *script)
{
	int ends[2];
	char byte = 0;

	assert_int_equal(pipe(ends), 0);
	lab->agent = fork();
	assert_true(lab->agent >= 0);
	if (lab->agent == 0) {
		(void)close(ends[0]);
		agent_main(lab, script, ends[1]);
	}
	(void)close(ends[1]);
	lab->requests = ends[0];
	assert_int_equal(read(lab->requests, &byte, 1), 1);
}

/* Runs "synanvil -s SOCKET TEXT", its words separated by blanks. */
static inline struct outcome run(const struct lab *lab, const char *text)
{
	struct outcome outcome = { 0 };
	char *argv[ARGUMENTS_MAX + 1] = { "synanvil", "-s", (char *)lab->socket_path };
	_cleanup_free_ char *words = strdup(text);
	struct cli cli = { .timeout_ms = 1000 };
	size_t out_size, err_size;
	char *rest = NULL;
	int argc = 3;

	assert_non_null(words);
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_true(argc < ARGUMENTS_MAX);
		argv[argc++] = word;
	}
	cli.out = open_memstream(&outcome.out, &out_size);
	cli.err = open_memstream(&outcome.err, &err_size);
	assert_non_null(cli.out);
	assert_non_null(cli.err);
	outcome.status = cli_run(&cli, argc, argv);
	outcome.status = cli_finish(&cli, outcome.status);
	assert_int_equal(fclose(cli.err), 0);
	return outcome;
}

static inline void expect(const struct outcome *outcome, enum cli_status status, const char *out,
			  const char *err)
{
	if (outcome->status != status || strcmp(outcome->out, out) != 0 ||
	    strcmp(outcome->err, err) != 0)
		fail_msg("got %d `%s` `%s`, want %d `%s` `%s`", (int)outcome->status, outcome->out,
			 outcome->err, (int)status, out, err);
}

/* What an agent that answers with script makes of a run. */
static inline void expect_answer(struct lab *lab, const struct script *script, const char *text,
				 const struct outcome *want)
{
	_cleanup_outcome_ struct outcome got = { 0 };

	agent_start(lab, script);
	got = run(lab, text);
	agent_stop(lab);
	expect(&got, want->status, want->out, want->err);
}

#define LAB_TEST(function) cmocka_unit_test_setup_teardown(function, lab_open, lab_close)

#endif
