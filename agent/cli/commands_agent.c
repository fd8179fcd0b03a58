/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that ask the agent what it knows, and those that tell it what to do with itself.
 */
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "cleanup.h"
#include "commands.h"
#include "output.h"
#include "parse.h"
#include "prefix.h"
#include "top_live.h"

/* What an agent keeps ready of its last sweep. */
#define TOP_COUNT_MAX     1000
#define TOP_COUNT_DEFAULT 20

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

#define _cleanup_json_ _cleanup_(cleanup_json)

enum cli_status command_status(struct cli *cli, const struct command_line *line)
{
	(void)line;
	return ask_and_render(cli, "status", NULL, cli->output->status);
}

static enum cli_status top_options(const struct cli *cli, const struct command_line *line,
				   struct top_question *ret_question)
{
	const char *count = line->options[OPTION_COUNT];
	const char *by = line->options[OPTION_BY];
	long value = TOP_COUNT_DEFAULT;

	if (count && (parse_long(count, &value) || value < 1 || value > TOP_COUNT_MAX))
		return cli_fail(cli, CLI_USAGE, "top: -n takes a number from 1 to %d, not %s",
				TOP_COUNT_MAX, count);
	ret_question->count = count ? (int)value : 0;
	ret_question->order = TOP_BY_ATTEMPTS;
	if (by && !top_order_parse(by, &ret_question->order))
		return cli_fail(cli, CLI_USAGE,
				"top: --by takes attempts, dropped or connections, not %s", by);
	return CLI_DONE;
}

enum cli_status command_top(struct cli *cli, const struct command_line *line)
{
	struct top_question question = { 0 };
	enum cli_status status = top_options(cli, line, &question);

	if (status)
		return status;
	if (!cli->json && !line->options[OPTION_ONCE] && isatty(fileno(cli->out)) &&
	    isatty(STDIN_FILENO) && top_live(cli, &question, &status))
		return status;
	if (!question.count)
		question.count = TOP_COUNT_DEFAULT;
	return ask_and_render(cli, "top", top_arguments(&question), cli->output->top);
}

enum cli_status command_show(struct cli *cli, const struct command_line *line)
{
	struct sa_address address;
	char text[PREFIX_TEXT_SIZE];

	if (address_parse(line->arguments[0], &address))
		return cli_fail(cli, CLI_USAGE, "show: %s is no IP address", line->arguments[0]);
	address_format(&address, text);
	return ask_and_render(cli, "show", json_pack("{s:s}", "address", text), cli->output->show);
}

static enum cli_status event_arguments(const struct cli *cli, const struct command_line *line,
				       json_t *arguments)
{
	const char *since = line->options[OPTION_SINCE];
	json_t *address = NULL;
	int seconds;
	enum cli_status status = CLI_DONE;

	if (since && time_argument(since, &seconds))
		return cli_fail(cli, CLI_USAGE,
				"events: --since takes a time such as 90s, 10m or 2h, not %s",
				since);
	if (line->argument_count) {
		status = prefix_argument(cli, line->arguments[0], &address);
		if (!status)
			status = put(cli, arguments, "address", address);
	}
	if (!status && since)
		status = put(cli, arguments, "since",
			     json_integer(seconds < CLI_SECONDS_MAX ? seconds : CLI_SECONDS_MAX));
	if (!status && line->options[OPTION_FOLLOW])
		status = put(cli, arguments, "follow", json_true());
	return status;
}

/* Goes on until the agent ends the connection, or nobody reads what is printed. */
static enum cli_status follow(const struct cli *cli, struct client *client)
{
	for (;;) {
		_cleanup_json_ json_t *event = NULL;
		enum client_result result;
		enum cli_status status;

		if (fflush(cli->out))
			return CLI_FAILED; /* cli_finish says why */
		result = client_next(client, &event);
		if (result != CLIENT_OK)
			return cli_fail(cli, ask_status(result), "%s",
					client->message ? client->message : "out of memory");
		status = rendered(cli, cli->output->event(cli->out, event));
		if (status)
			return status;
	}
}

enum cli_status command_events(struct cli *cli, const struct command_line *line)
{
	_cleanup_(client_done) struct client client = CLIENT_INIT(cli->timeout_ms);
	json_t *arguments = json_object();
	json_t *result = NULL;
	enum cli_status status = event_arguments(cli, line, arguments);

	if (status) {
		json_decref(arguments);
		return status;
	}
	status = ask_agent(cli, &client, "events", arguments, &result);
	if (!status)
		status = rendered(cli, cli->output->events(cli->out, result));
	if (status || !line->options[OPTION_FOLLOW])
		return status;
	return follow(cli, &client);
}

enum cli_status command_advise(struct cli *cli, const struct command_line *line)
{
	(void)line;
	return ask_and_render(cli, "advise", NULL, cli->output->advise);
}

enum cli_status command_reload(struct cli *cli, const struct command_line *line)
{
	(void)line;
	return ask_and_confirm(cli, "reload", NULL, "reloaded", NULL);
}

enum cli_status command_restart(struct cli *cli, const struct command_line *line)
{
	_cleanup_(client_done) struct client client = CLIENT_INIT(cli->timeout_ms);
	json_t *result = NULL;
	enum cli_status status = ask_agent(cli, &client, "restart", NULL, &result);

	(void)line;
	if (!status)
		status = ask_gone(cli, &client);
	if (status)
		return status;
	return rendered(cli,
			cli->output->done(cli->out, result,
					  "the agent has left, the limiter stays at work", NULL));
}
