/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Usage and help, from the command table and nothing else.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "command_line.h"

/* Room for the longest usage within the overview before its sentence goes to a line of its own. */
#define OVERVIEW_WIDTH 24

static void print_usage(FILE *stream, const struct command *command)
{
	const struct option_spec *specs = option_table();

	(void)fprintf(stream, "synanvil %s", command->words[0]);
	if (command->words[1])
		(void)fprintf(stream, " %s", command->words[1]);
	if (command->arguments[0])
		(void)fprintf(stream, " %s", command->arguments);
	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		if (!(command->options & OPTION_BIT(i)))
			continue;
		(void)fprintf(stream, " [%s%s%s]", specs[i].name, specs[i].value ? " " : "",
			      specs[i].value ? specs[i].value : "");
	}
}

char *command_usage(const struct command *command)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	bool failed;

	if (!stream)
		return NULL;
	print_usage(stream, command);
	failed = ferror(stream) != 0;
	if (fclose(stream) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}

static void print_options(FILE *stream, unsigned options)
{
	const struct option_spec *specs = option_table();

	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		_cleanup_free_ char *left = NULL;

		if (!(options & OPTION_BIT(i)))
			continue;
		if (asprintf(&left, "%s%s%s%s%s", specs[i].name, specs[i].alias ? ", " : "",
			     specs[i].alias ? specs[i].alias : "", specs[i].value ? " " : "",
			     specs[i].value ? specs[i].value : "") < 0)
			return;
		(void)fprintf(stream, "  %-*s  %s\n", OVERVIEW_WIDTH, left, specs[i].help);
	}
}

static void print_overview(FILE *stream)
{
	(void)fputs("usage: synanvil [-s SOCKET] [--json] COMMAND\n\ncommands:\n", stream);
	for (const struct command *row = command_table(); row->words[0]; row++) {
		_cleanup_free_ char *left = NULL;

		if (asprintf(&left, "%s%s%s%s%s", row->words[0], row->words[1] ? " " : "",
			     row->words[1] ? row->words[1] : "", row->arguments[0] ? " " : "",
			     row->arguments) < 0)
			return;
		(void)fprintf(stream, "  %-*s  %s\n", OVERVIEW_WIDTH, left, row->help);
	}
	(void)fputs("\noptions of every command:\n", stream);
	print_options(stream, OPTIONS_GLOBAL);
	(void)fputs(
		"\n`synanvil help COMMAND` says more about one of them; synanvil(1) about all.\n"
		"exit status: 0 done, 1 failed, 2 usage, 3 no agent answers\n",
		stream);
}

static bool begins_with(const struct command *command, const char *const *words, size_t count)
{
	if (strcmp(command->words[0], words[0]) != 0)
		return false;
	return count < 2 || !command->words[1] || strcmp(command->words[1], words[1]) == 0;
}

bool command_help(FILE *stream, const char *const *words, size_t count)
{
	const char *separator = "";

	if (count == 0) {
		print_overview(stream);
		return true;
	}
	for (const struct command *row = command_table(); row->words[0]; row++) {
		if (!begins_with(row, words, count))
			continue;
		(void)fprintf(stream, "%susage: ", separator);
		print_usage(stream, row);
		(void)fprintf(stream, "\n%s\n", row->help);
		print_options(stream, row->options);
		separator = "\n";
	}
	return separator[0] != '\0';
}
