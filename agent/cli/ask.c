/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question to the agent: request, reply, warnings, and the exit status that follows from how it
 * went.
 */
#include "ask.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "output.h"
#include "parse.h"
#include "prefix.h"

enum cli_status ask_status(enum client_result result)
{
	switch (result) {
	case CLIENT_OK:
		return CLI_DONE;
	case CLIENT_NOBODY:
		return CLI_NO_AGENT;
	case CLIENT_PATH_BAD:
		return CLI_USAGE;
	case CLIENT_FAILED:
		break;
	}
	return CLI_FAILED;
}

enum cli_status ask_agent_if_any(const struct cli *cli, struct client *client, const char *command,
				 json_t *arguments, json_t **ret_result)
{
	json_t *warnings = NULL;
	size_t index;
	json_t *warning;
	enum client_result result =
		client_call(client, cli->socket_path, command, arguments, ret_result, &warnings);

	json_decref(arguments);
	json_array_foreach(warnings, index, warning)
		cli_warn(cli, "%s", json_string_value(warning));
	if (result != CLIENT_OK && result != CLIENT_NOBODY)
		return cli_fail(cli, ask_status(result), "%s",
				client->message ? client->message : "out of memory");
	return ask_status(result);
}

/* What a reply is about. Without it there is nothing to print, and dashes would say otherwise. */
static enum cli_status check_complete(const struct cli *cli, const char *command,
				      const json_t *result)
{
	static const struct {
		const char *command, *member;
	} members[] = {
		{ "status", "services" },
		{ "status", "syn_packets" },
		{ "top", "sources" },
		{ "show", "services" },
		{ "exception list", "exceptions" },
		{ "block list", "blocks" },
		{ "events", "events" },
		{ "config", "parameters" },
		{ "advise", "services" },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *member = json_object_get(result, members[i].member);

		if (strcmp(members[i].command, command) == 0 && !json_is_array(member) &&
		    !json_is_object(member))
			return cli_fail(cli, CLI_FAILED,
					"the agent's reply to %s has no \"%s\": it may be of "
					"another version",
					command, members[i].member);
	}
	return CLI_DONE;
}

enum cli_status ask_agent(const struct cli *cli, struct client *client, const char *command,
			  json_t *arguments, json_t **ret_result)
{
	enum cli_status status = ask_agent_if_any(cli, client, command, arguments, ret_result);

	if (status == CLI_NO_AGENT)
		return cli_fail(cli, status, "%s",
				client->message ? client->message : "no agent answers");
	return status ? status : check_complete(cli, command, *ret_result);
}

enum cli_status ask_gone(const struct cli *cli, struct client *client)
{
	enum client_result result = client_wait_gone(client);

	if (result == CLIENT_OK)
		return CLI_DONE;
	return cli_fail(cli, ask_status(result), "%s",
			client->message ? client->message : "out of memory");
}

enum cli_status rendered(const struct cli *cli, int result)
{
	if (result)
		return cli_fail(cli, CLI_FAILED, "cannot print the result: %s", strerror(-result));
	return CLI_DONE;
}

enum cli_status ask_and_render(const struct cli *cli, const char *command, json_t *arguments,
			       render_fn *render)
{
	_cleanup_(client_done) struct client client = CLIENT_INIT(cli->timeout_ms);
	json_t *result = NULL;
	enum cli_status status = ask_agent(cli, &client, command, arguments, &result);

	return status ? status : rendered(cli, render(cli->out, result));
}

enum cli_status ask_and_confirm(const struct cli *cli, const char *command, json_t *arguments,
				const char *what, const json_t *items)
{
	_cleanup_(client_done) struct client client = CLIENT_INIT(cli->timeout_ms);
	json_t *result = NULL;
	enum cli_status status = ask_agent(cli, &client, command, arguments, &result);

	return status ? status : rendered(cli, cli->output->done(cli->out, result, what, items));
}

enum cli_status put(const struct cli *cli, json_t *arguments, const char *key, json_t *value)
{
	if (json_object_set_new(arguments, key, value))
		return cli_fail(cli, CLI_FAILED,
				"out of memory, or an argument is not valid UTF-8");
	return CLI_DONE;
}

enum cli_status prefix_argument(const struct cli *cli, const char *argument, json_t **ret_prefix)
{
	struct prefix prefix;
	char text[PREFIX_TEXT_SIZE];
	enum prefix_error error = prefix_parse(argument, strlen(argument), PREFIX_ANY, &prefix);

	if (error == PREFIX_HOST_BITS) {
		prefix_format(&prefix, text);
		return cli_fail(cli, CLI_USAGE, "%s: %s; did you mean %s?", argument,
				prefix_error_text(error), text);
	}
	if (error)
		return cli_fail(cli, CLI_USAGE, "%s: %s", argument, prefix_error_text(error));
	prefix_format(&prefix, text);
	*ret_prefix = json_string(text);
	return *ret_prefix ? CLI_DONE : cli_fail(cli, CLI_FAILED, "out of memory");
}

int time_argument(const char *text, int *ret_seconds)
{
	size_t digits = strspn(text, "0123456789");

	/* Postfix takes "1h30m" for one hour; a person at a prompt would not expect that */
	if (digits == 0 || text[digits + strspn(text + digits, "abcdefghijklmnopqrstuvwxyz")])
		return -EINVAL;
	return parse_time(text, 's', ret_seconds);
}
