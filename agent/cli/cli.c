/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dispatch: reads the command line by the table, sets what every command works with, runs one
 * command.
 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "command_line.h"
#include "output.h"
#include "text_form.h"

/* Each line of text, with what stands before it. */
static void print_lines(const struct cli *cli, const char *before, char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		(void)fprintf(cli->err, "synanvil: %s", before);
		(void)text_write_escaped(cli->err, line);
		(void)fputc('\n', cli->err);
	}
}

enum cli_status cli_fail(const struct cli *cli, enum cli_status status, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		text = NULL;
	if (text && *text)
		print_lines(cli, "", text);
	else
		(void)fputs("synanvil: failed\n", cli->err);
	return status;
}

void cli_warn(const struct cli *cli, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		text = NULL;
	if (text)
		print_lines(cli, "warning: ", text);
}

static enum cli_status run(struct cli *cli, const struct command_line *line)
{
	const char *socket_path = line->options[OPTION_SOCKET];

	if (line->options[OPTION_HELP]) {
		if (command_help(cli->out, line->words, line->word_count))
			return CLI_DONE;
		return cli_fail(cli, CLI_USAGE, "unknown command %s; `synanvil help` lists them",
				line->words[0]);
	}
	cli->socket_path = socket_path ? socket_path : CLI_SOCKET_DEFAULT;
	cli->json = line->options[OPTION_JSON] != NULL;
	cli->output = cli->json ? &output_json : &output_text;
	return line->command->run(cli, line);
}

enum cli_status cli_run(struct cli *cli, int argc, char *const *argv)
{
	_cleanup_(command_line_done) struct command_line line = { 0 };
	_cleanup_free_ char *message = NULL;
	int result = command_line_parse(&line, argc, argv, &message);

	if (result == -EINVAL)
		return cli_fail(cli, CLI_USAGE, "%s", message);
	if (result)
		return cli_fail(cli, CLI_FAILED, "%s", strerror(-result));
	return run(cli, &line);
}

enum cli_status cli_finish(const struct cli *cli, enum cli_status status)
{
	int failed = ferror(cli->out) ? EIO : 0;

	if (fclose(cli->out))
		failed = errno;
	if (!failed)
		return status;
	return cli_fail(cli, status ? status : CLI_FAILED, "standard output: %s", strerror(failed));
}
