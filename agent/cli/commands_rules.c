/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions and blocks at run time. Prefixes are checked and brought to their printed form here,
 * so that a mistake is named before anything changes.
 */
#include "ask.h"
#include "cleanup.h"
#include "commands.h"
#include "output.h"
#include "prefix.h"

#include <string.h>

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

#define _cleanup_json_ _cleanup_(cleanup_json)

static enum cli_status prefix_append(const struct cli *cli, const char *argument, json_t *list)
{
	json_t *prefix = NULL;
	enum cli_status status = prefix_argument(cli, argument, &prefix);

	if (!status && json_array_append_new(list, prefix))
		return cli_fail(cli, CLI_FAILED, "out of memory");
	return status;
}

/* A list of all arguments, for the caller to release. */
static enum cli_status prefixes_of(const struct cli *cli, const struct command_line *line,
				   json_t **ret_list)
{
	_cleanup_json_ json_t *list = json_array();
	enum cli_status status = CLI_DONE;

	for (size_t i = 0; !status && i < line->argument_count; i++)
		status = prefix_append(cli, line->arguments[i], list);
	if (!status)
		*ret_list = TAKE_PTR(list);
	return status;
}

static enum cli_status change(const struct cli *cli, const struct command_line *line,
			      const char *command, const char *what)
{
	_cleanup_json_ json_t *prefixes = NULL;
	enum cli_status status = prefixes_of(cli, line, &prefixes);

	if (status)
		return status;
	return ask_and_confirm(cli, command, json_pack("{s:O}", "prefixes", prefixes), what,
			       prefixes);
}

enum cli_status command_exception_list(struct cli *cli, const struct command_line *line)
{
	(void)line;
	return ask_and_render(cli, "exception list", NULL, cli->output->exceptions);
}

enum cli_status command_exception_add(struct cli *cli, const struct command_line *line)
{
	return change(cli, line, "exception add", "exception added");
}

enum cli_status command_exception_delete(struct cli *cli, const struct command_line *line)
{
	return change(cli, line, "exception delete", "exception deleted");
}

enum cli_status command_block_list(struct cli *cli, const struct command_line *line)
{
	(void)line;
	return ask_and_render(cli, "block list", NULL, cli->output->blocks);
}

enum cli_status command_block_add(struct cli *cli, const struct command_line *line)
{
	_cleanup_json_ json_t *prefixes = NULL;
	const char *time = line->options[OPTION_FOR];
	json_t *arguments;
	int seconds = 0;
	enum cli_status status;

	if (time && (time_argument(time, &seconds) || seconds < 1))
		return cli_fail(cli, CLI_USAGE,
				"block add: --for takes a time such as 90s, 10m or 2h, not %s",
				time);
	if (seconds > CLI_SECONDS_MAX)
		return cli_fail(cli, CLI_USAGE,
				"block add: --for takes ten years at most, not %s; without --for a "
				"block lasts until it is deleted",
				time);
	status = prefixes_of(cli, line, &prefixes);
	if (status)
		return status;
	if (time)
		arguments = json_pack("{s:O, s:i}", "prefixes", prefixes, "seconds", seconds);
	else
		arguments = json_pack("{s:O}", "prefixes", prefixes);
	return ask_and_confirm(cli, "block add", arguments,
			       time ? "block added" : "block added until deleted", prefixes);
}

enum cli_status command_block_delete(struct cli *cli, const struct command_line *line)
{
	return change(cli, line, "block delete", "block deleted");
}
