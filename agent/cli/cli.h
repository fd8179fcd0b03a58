/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every command of the command line tool works with, and how it fails: one call, one line, one
 * exit status.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

/* Where an agent listens unless its configuration says otherwise. */
#define CLI_SOCKET_DEFAULT "/run/synanvil/control.sock"

struct output;

/* Exit statuses. */
enum cli_status {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NO_AGENT = 3,
};

struct cli {
	FILE *out;
	FILE *err;
	const char *socket_path;
	int timeout_ms; /* for each step of a conversation with the agent */
	bool json;
	const struct output *output;
};

/* Does what the command line asks for. Writes to cli->out and cli->err only; the rest of cli is set
 * from argv. */
enum cli_status cli_run(struct cli *cli, int argc, char *const *argv);

/* Says why, as "synanvil: MESSAGE" on cli->err (each line of it, unprintable bytes escaped).
 * Returns status. */
enum cli_status cli_fail(const struct cli *cli, enum cli_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As cli_fail for what does not stop the command. */
void cli_warn(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* status, or CLI_FAILED if what was printed could not be written. For the end of the program:
 * closes cli->out. */
enum cli_status cli_finish(const struct cli *cli, enum cli_status status);

#endif
