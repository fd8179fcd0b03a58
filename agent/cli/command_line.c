/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From argv to a row of the command table with its options and arguments. Options may stand
 * anywhere; what follows
 * "--" is no option. Each mistake has its own message, which ends in the usage of the command that
 * was meant.
 */
#include "command_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define PROGRAM "synanvil"

size_t command_word_count(const struct command *command)
{
	return command->words[1] ? 2 : 1;
}

/* *reterr_message = the formatted text; returns -EINVAL, or -ENOMEM. */
static int __attribute__((format(printf, 2, 3)))
complain(char **reterr_message, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(reterr_message, format, arguments);
	va_end(arguments);
	return length < 0 ? -ENOMEM : -EINVAL;
}

/* As complain, about a command: what is wrong, then its usage. */
static int complain_usage(char **reterr_message, const struct command *command, const char *what)
{
	_cleanup_free_ char *usage = command_usage(command);
	const char *second = command->words[1];

	if (!usage)
		return -ENOMEM;
	return complain(reterr_message, "%s%s%s: %s; usage: %s", command->words[0],
			second ? " " : "", second ? second : "", what, usage);
}

/* The option that token spells, and where its attached value begins (NULL: none); CLI_OPTIONS if
 * there is none. */
static enum cli_option option_find(const char *token, const char **ret_value)
{
	const struct option_spec *specs = option_table();

	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		const char *names[] = { specs[i].name, specs[i].alias };

		for (size_t n = 0; n < 2 && names[n]; n++) {
			size_t length = strlen(names[n]);
			bool is_long = names[n][1] == '-';

			if (strncmp(token, names[n], length) != 0)
				continue;
			if (token[length] && is_long && token[length] != '=')
				continue;
			if (token[length] && !is_long && !specs[i].value)
				continue;
			*ret_value = token[length] ? token + length + (is_long ? 1 : 0) : NULL;
			return (enum cli_option)i;
		}
	}
	return CLI_OPTIONS;
}

/* Takes the option at argv[*index], and its value, which may be the next one. */
static int option_take(struct command_line *line, int argc, char *const *argv, int *index,
		       char **reterr_message)
{
	const char *token = argv[*index];
	const char *value = NULL;
	enum cli_option option = option_find(token, &value);
	const struct option_spec *spec;

	if (option == CLI_OPTIONS)
		return complain(reterr_message, "unknown option %s; `" PROGRAM " help` lists them",
				token);
	spec = &option_table()[option];
	if (!spec->value) {
		if (value)
			return complain(reterr_message, "option %s takes no value", spec->name);
		line->options[option] = "";
		return 0;
	}
	if (!value) {
		if (*index + 1 >= argc)
			return complain(reterr_message, "option %s needs a value: %s %s", token,
					token, spec->value);
		value = argv[++*index];
	}
	line->options[option] = value;
	return 0;
}

static int split(struct command_line *line, int argc, char *const *argv, char **reterr_message)
{
	bool options_end = false;

	for (int i = 1; i < argc; i++) {
		int result = 0;

		if (options_end || argv[i][0] != '-' || !argv[i][1])
			line->words[line->word_count++] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			options_end = true;
		else if (strcmp(argv[i], "--version") == 0) /* what everybody tries first */
			line->words[line->word_count++] = "version";
		else
			result = option_take(line, argc, argv, &i, reterr_message);
		if (result)
			return result;
	}
	return 0;
}

const struct command *command_find(const char *const *words, size_t count, size_t *ret_matched)
{
	for (const struct command *row = command_table(); row->words[0]; row++) {
		size_t own = command_word_count(row);

		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): count of them are set */
		if (count < own || strcmp(words[0], row->words[0]) != 0)
			continue;
		if (own == 2 && strcmp(words[1], row->words[1]) != 0)
			continue;
		*ret_matched = own;
		return row;
	}
	return NULL;
}

/* No command was found: says what is missing, or which second words there are. */
static int complain_unknown(const struct command_line *line, char **reterr_message)
{
	_cleanup_free_ char *known = NULL;
	const char *word = line->word_count ? line->words[0] : NULL;

	if (!word)
		return complain(reterr_message, "no command given; `" PROGRAM " help` lists them");
	for (const struct command *row = command_table(); row->words[0]; row++) {
		char *longer;

		if (strcmp(row->words[0], word) != 0)
			continue;
		if (asprintf(&longer, "%s%s%s", known ? known : "", known ? ", " : "",
			     row->words[1]) < 0)
			return -ENOMEM;
		free(known);
		known = longer;
	}
	if (!known)
		return complain(reterr_message, "unknown command %s; `" PROGRAM " help` lists them",
				word);
	if (line->word_count == 1)
		return complain(reterr_message, "%s needs one of: %s", word, known);
	return complain(reterr_message, "unknown command %s %s; %s takes one of: %s", word,
			line->words[1], word, known);
}

static int check_options(const struct command_line *line, char **reterr_message)
{
	unsigned allowed = line->command->options | OPTIONS_GLOBAL;

	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		_cleanup_free_ char *what = NULL;

		if (!line->options[i] || (allowed & OPTION_BIT(i)))
			continue;
		if (asprintf(&what, "does not take %s", option_table()[i].name) < 0)
			return -ENOMEM;
		return complain_usage(reterr_message, line->command, what);
	}
	return 0;
}

static int check_arguments(const struct command_line *line, char **reterr_message)
{
	const struct command *command = line->command;
	_cleanup_free_ char *what = NULL;

	if (line->argument_count < command->arguments_min) {
		if (asprintf(&what, "%s is missing", command->arguments) < 0)
			return -ENOMEM;
		return complain_usage(reterr_message, command, what);
	}
	if (line->argument_count > command->arguments_max) {
		if (asprintf(&what, "unexpected %s", line->arguments[command->arguments_max]) < 0)
			return -ENOMEM;
		return complain_usage(reterr_message, command, what);
	}
	return 0;
}

int command_line_parse(struct command_line *line, int argc, char *const *argv,
		       char **reterr_message)
{
	size_t matched = 0;
	int result;

	*line = (struct command_line){ 0 };
	line->words = calloc((size_t)argc + 1, sizeof(*line->words));
	if (!line->words)
		return -ENOMEM;
	result = split(line, argc, argv, reterr_message);
	if (result)
		return result;
	if (line->options[OPTION_HELP])
		return 0;
	line->command = command_find(line->words, line->word_count, &matched);
	if (!line->command)
		return complain_unknown(line, reterr_message);
	line->arguments = line->words + matched;
	line->argument_count = line->word_count - matched;
	result = check_options(line, reterr_message);
	return result ? result : check_arguments(line, reterr_message);
}

void command_line_done(struct command_line *line)
{
	free(line->words);
	*line = (struct command_line){ 0 };
}
