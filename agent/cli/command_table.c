/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands and options of the command line tool. A command exists because it has a row here; parsing, usage errors
 * and help follow from it.
 */
#include <stdint.h>

#include "command_line.h"
#include "commands.h"
#include "config.h"

#define ANY_NUMBER SIZE_MAX

static const struct option_spec options[CLI_OPTIONS] = {
	[OPTION_SOCKET] = { "-s", "--socket", "SOCKET",
			    "control socket of the agent (" CLI_SOCKET_DEFAULT ")" },
	[OPTION_JSON] = { "--json", NULL, NULL, "print JSON, as synanvil(1) describes it" },
	[OPTION_HELP] = { "-h", "--help", NULL, "say what a command does and takes" },
	[OPTION_COUNT] = { "-n", NULL, "N", "number of sources (20)" },
	[OPTION_BY] = { "--by", NULL, "attempts|dropped|connections", "what to sort by (attempts)" },
	[OPTION_ONCE] = { "--once", NULL, NULL, "print one table, also on a terminal" },
	[OPTION_FOR] = { "--for", NULL, "TIME", "how long: 90s, 10m, 2h, 1d, 1w; until deleted if not given" },
	[OPTION_SINCE] = { "--since", NULL, "TIME", "only what is not older than this: 90s, 10m, 2h, 1d, 1w" },
	[OPTION_FOLLOW] = { "--follow", "-f", NULL, "go on with new ones as they come" },
	[OPTION_FILE] = { "-c", NULL, "FILE", "read FILE, not the agent or " CONFIG_DEFAULT_FILE },
	[OPTION_CHANGED] = { "--changed", NULL, NULL, "only what differs from the default" },
};

static const struct command commands[] = {
	{ { "status" }, "", 0, 0, 0,
	  "Shows what is attached, counted and dropped.", command_status },
	{ { "top" }, "", 0, 0,
	  OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_BY) | OPTION_BIT(OPTION_ONCE),
	  "Shows the busiest sources, live on a terminal.", command_top },
	{ { "show" }, "ADDRESS", 1, 1, 0,
	  "Shows what a client's next SYN would get, and why.", command_show },
	{ { "exception", "list" }, "", 0, 0, 0,
	  "Lists the clients without limits.", command_exception_list },
	{ { "exception", "add" }, "CIDR...", 1, ANY_NUMBER, 0,
	  "Exempts clients from limits and blocks, at once.", command_exception_add },
	{ { "exception", "delete" }, "CIDR...", 1, ANY_NUMBER, 0,
	  "Takes back exceptions added at run time.", command_exception_delete },
	{ { "block", "list" }, "", 0, 0, 0, "Lists the blocked clients.", command_block_list },
	{ { "block", "add" }, "CIDR...", 1, ANY_NUMBER, OPTION_BIT(OPTION_FOR),
	  "Drops all that clients attempt, at once.", command_block_add },
	{ { "block", "delete" }, "CIDR...", 1, ANY_NUMBER, 0,
	  "Takes back blocks.", command_block_delete },
	{ { "events" }, "[ADDRESS]", 0, 1, OPTION_BIT(OPTION_SINCE) | OPTION_BIT(OPTION_FOLLOW),
	  "Shows who exceeded what, and when.", command_events },
	{ { "config" }, "", 0, 0, OPTION_BIT(OPTION_FILE) | OPTION_BIT(OPTION_CHANGED),
	  "Shows every parameter in force and where it is set.",
	  command_config },
	{ { "check" }, "", 0, 0, OPTION_BIT(OPTION_FILE),
	  "Validates a configuration; needs no agent.", command_check },
	{ { "advise" }, "", 0, 0, 0,
	  "Shows what several limits would have stopped.", command_advise },
	{ { "reload" }, "", 0, 0, 0,
	  "Reads the configuration again; a bad one is refused.", command_reload },
	{ { "restart" }, "", 0, 0, 0,
	  "Ends the agent, but the limiter stays at work.", command_restart },
	{ { "detach" }, "", 0, 0, OPTION_BIT(OPTION_FILE),
	  "Ends all limiting, also after an agent that is gone.", command_detach },
	{ { "version" }, "", 0, 0, 0, "Shows the version of this program.", command_version },
	{ { "help" }, "[COMMAND]", 0, 2, 0, "Shows this, or more about one command.", command_show_help },
	{ { NULL }, NULL, 0, 0, 0, NULL, NULL },
};

const struct command *command_table(void)
{
	return commands;
}

const struct option_spec *option_table(void)
{
	return options;
}
