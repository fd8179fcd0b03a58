/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command table and what is read from a command line by it. Parsing, usage and help have no
 * other source. Pure: prints nowhere but to the stream that it is given.
 */
#ifndef CLI_COMMAND_LINE_H
#define CLI_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli.h"

enum cli_option {
	OPTION_SOCKET,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_COUNT,
	OPTION_BY,
	OPTION_ONCE,
	OPTION_FOR,
	OPTION_SINCE,
	OPTION_FOLLOW,
	OPTION_FILE,
	OPTION_CHANGED,
	CLI_OPTIONS,
};

#define OPTION_BIT(option) (1U << (option))

/* Options that every command takes. */
#define OPTIONS_GLOBAL \
	(OPTION_BIT(OPTION_SOCKET) | OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_HELP))

struct option_spec {
	const char *name;  /* "-s" or "--json" */
	const char *alias; /* another spelling, or NULL */
	const char *value; /* what the value stands for in the help; NULL: takes none */
	const char *help;
};

struct command_line;

struct command {
	const char *words[2];  /* the second is NULL for a command of one word */
	const char *arguments; /* as the usage shows them, "" for none */
	size_t arguments_min;
	size_t arguments_max;
	unsigned options; /* OPTION_BITs beyond OPTIONS_GLOBAL */
	const char *help; /* one sentence */
	enum cli_status (*run)(struct cli *cli, const struct command_line *line);
};

/* One command line. All texts are borrowed from argv. */
struct command_line {
	const struct command *command;
	const char *options[CLI_OPTIONS]; /* the value, "" for an option without; NULL: not given */
	const char **arguments;           /* what follows the command's words */
	size_t argument_count;
	const char **words; /* owned: everything that is no option */
	size_t word_count;
};

/* The table; its end has no words[0]. */
const struct command *command_table(void);
const struct option_spec *option_table(void);

/* Number of words of a command: 1 or 2. */
size_t command_word_count(const struct command *command);

/*
 * Reads argv (argv[0] is passed over). Returns 0; -ENOMEM; or -EINVAL with *reterr_message, one
 * line for the caller to free. Help asked for with --help needs neither command nor arguments. To
 * be released with command_line_done always.
 */
int command_line_parse(struct command_line *line, int argc, char *const *argv,
		       char **reterr_message);
void command_line_done(struct command_line *line);

/* "synanvil block add CIDR... [--for TIME]", to be freed by the caller; NULL when memory is short.
 */
char *command_usage(const struct command *command);

/* The command that words name, or NULL; *ret_matched is how many of them were its own. */
const struct command *command_find(const char *const *words, size_t count, size_t *ret_matched);

/* Prints help for the program, or for all commands that words may mean; false, and nothing, if
 * there are none. */
bool command_help(FILE *stream, const char *const *words, size_t count);

#endif
