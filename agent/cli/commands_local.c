/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that work without an agent, or go on without one.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "cleanup.h"
#include "commands.h"
#include "completion.h"
#include "config.h"
#include "config_check.h"
#include "detach.h"
#include "output.h"

#define BPF_DIRECTORY_DEFAULT "/sys/fs/bpf/synanvil"

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

#define _cleanup_json_ _cleanup_(cleanup_json)

static void cleanup_config(struct config **config)
{
	*config = config_free(*config);
}

static enum cli_status no_memory(const struct cli *cli)
{
	return cli_fail(cli, CLI_FAILED, "out of memory");
}

/* The configuration of file; what is wrong with it is said line by line. */
static enum cli_status load(const struct cli *cli, const char *file, struct config **ret_config)
{
	_cleanup_(report_done) struct report report = { 0 };
	enum cli_status status;
	int result = config_load(file, ret_config, &report);

	if (result == -ENOMEM)
		return no_memory(cli);
	if (!result)
		return CLI_DONE;
	status = CLI_FAILED;
	for (size_t i = 0; i < report.count; i++) {
		_cleanup_free_ char *text = report_entry_format(&report.entries[i]);

		if (report.entries[i].severity == REPORT_ERROR)
			status = cli_fail(cli, CLI_FAILED, "%s", text ? text : "out of memory");
	}
	return status;
}

/* NULL is JSON's null. */
static json_t *string_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

struct listing {
	json_t *parameters;
	bool changed_only;
};

static int list_parameter(const struct config_value *value, void *context)
{
	static const char *const kinds[] = {
		[CONFIG_FROM_DEFAULT] = "default",
		[CONFIG_FROM_FILE] = "file",
		[CONFIG_FROM_MAIN_CF] = "main.cf",
		[CONFIG_FROM_MASTER_CF] = "master.cf",
	};
	const struct listing *listing = context;
	const struct config_origin *origin = &value->origin;
	json_t *line = origin->file ? json_integer(origin->line) : json_null();

	if (listing->changed_only && !value->changed) {
		json_decref(line);
		return 0;
	}
	return json_array_append_new(listing->parameters,
				     json_pack("{s:s, s:s, s:{s:s, s:o, s:o}}", "name", value->name,
					       "value", value->value, "origin", "kind",
					       kinds[origin->kind], "file",
					       string_or_null(origin->file), "line", line));
}

static enum cli_status config_of_file(const struct cli *cli, const char *file, bool changed_only)
{
	_cleanup_(cleanup_config) struct config *config = NULL;
	_cleanup_json_ json_t *result = json_pack("{s:[]}", "parameters");
	struct listing listing = { json_object_get(result, "parameters"), changed_only };
	enum cli_status status = load(cli, file, &config);

	if (status)
		return status;
	if (config_each(config, list_parameter, &listing))
		return cli_fail(cli, CLI_FAILED,
				"%s: a value is not valid UTF-8, or memory is short", file);
	return rendered(cli, cli->output->config(cli->out, result));
}

enum cli_status command_config(struct cli *cli, const struct command_line *line)
{
	const char *file = line->options[OPTION_FILE];
	bool changed_only = line->options[OPTION_CHANGED] != NULL;

	if (file)
		return config_of_file(cli, file, changed_only);
	return ask_and_render(cli, "config", json_pack("{s:b}", "changed", changed_only),
			      cli->output->config);
}

/* The report as the result of `check`; NULL when memory is short. */
static json_t *report_json(const struct report *report)
{
	_cleanup_json_ json_t *result = json_pack("{s:[], s:[]}", "errors", "warnings");

	for (size_t i = 0; i < report->count; i++) {
		const struct report_entry *entry = &report->entries[i];
		json_t *list = json_object_get(
			result, entry->severity == REPORT_ERROR ? "errors" : "warnings");
		json_t *row = json_pack(
			"{s:s, s:i, s:o, s:s}", "file", entry->file, "line", (int)entry->line,
			"parameter", string_or_null(entry->parameter), "message", entry->message);

		if (json_array_append_new(list, row))
			return NULL;
	}
	return TAKE_PTR(result);
}

enum cli_status command_check(struct cli *cli, const struct command_line *line)
{
	const char *file =
		line->options[OPTION_FILE] ? line->options[OPTION_FILE] : CONFIG_DEFAULT_FILE;
	_cleanup_(report_done) struct report report = { 0 };
	_cleanup_(cleanup_config) struct config *config = NULL;
	_cleanup_json_ json_t *result = NULL;
	enum cli_status status;

	if (config_load(file, &config, &report) == -ENOMEM ||
	    (config && config_check(config, &report) == -ENOMEM))
		return no_memory(cli);
	result = report_json(&report);
	if (!result)
		return no_memory(cli);
	status = rendered(cli, cli->output->check(cli->out, result));
	if (report.omitted)
		cli_warn(cli, "%s: %zu more are not shown", file, report.omitted);
	if (!status && report.errors)
		return cli_fail(cli, CLI_FAILED, "%s has %zu error%s", file, report.errors,
				report.errors == 1 ? "" : "s");
	return status;
}

/*
 * Where the pins are. A default configuration that is damaged must not keep anybody from ending the
 * limiter; one that was named must be right.
 */
static enum cli_status pin_directory(const struct cli *cli, const struct command_line *line,
				     char **ret_directory)
{
	_cleanup_(cleanup_config) struct config *config = NULL;
	const char *file = line->options[OPTION_FILE];
	enum cli_status status = CLI_DONE;

	if (file || access(CONFIG_DEFAULT_FILE, F_OK) == 0)
		status = load(cli, file ? file : CONFIG_DEFAULT_FILE, &config);
	if (status && file)
		return status;
	if (status)
		cli_warn(cli, "looking for pins in %s", BPF_DIRECTORY_DEFAULT);
	*ret_directory = strdup(config ? config->bpf_directory : BPF_DIRECTORY_DEFAULT);
	return *ret_directory ? CLI_DONE : no_memory(cli);
}

enum cli_status command_detach(struct cli *cli, const struct command_line *line)
{
	_cleanup_(client_done) struct client client = CLIENT_INIT(cli->timeout_ms);
	_cleanup_json_ json_t *nothing = json_object();
	_cleanup_free_ char *directory = NULL;
	json_t *result = NULL;
	size_t detached = 0;
	enum cli_status status = ask_agent_if_any(cli, &client, "detach", NULL, &result);

	if (status == CLI_DONE)
		status = ask_gone(cli, &client);
	if (status == CLI_DONE)
		return rendered(cli, cli->output->done(cli->out, result, "detached", NULL));
	if (status == CLI_NO_AGENT)
		status = pin_directory(cli, line, &directory);
	if (!status)
		status = detach_pins(cli, directory, &detached);
	if (status)
		return status;
	return rendered(cli,
			cli->output->done(cli->out, nothing,
					  detached ? "detached; there was no agent"
						   : "nothing was attached, and there is no agent",
					  NULL));
}

enum cli_status command_completion(struct cli *cli, const struct command_line *line)
{
	if (!completion_print(cli->out, line->arguments[0]))
		return cli_fail(cli, CLI_USAGE, "completion: for bash or zsh, not for %s",
				line->arguments[0]);
	return CLI_DONE;
}

enum cli_status command_version(struct cli *cli, const struct command_line *line)
{
	_cleanup_json_ json_t *result = json_pack("{s:s}", "version", SYNANVIL_VERSION);

	(void)line;
	return result ? rendered(cli, cli->output->version(cli->out, result)) : no_memory(cli);
}

enum cli_status command_show_help(struct cli *cli, const struct command_line *line)
{
	if (!command_help(cli->out, line->arguments, line->argument_count))
		return cli_fail(cli, CLI_USAGE,
				"help: unknown command %s; `synanvil help` lists them",
				line->arguments[0]);
	return CLI_DONE;
}
