/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One function for each row of the command table: fills a request, calls the agent, gives the reply
 * to the renderer.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "command_line.h"

/* Answered by the agent. */
enum cli_status command_status(struct cli *cli, const struct command_line *line);
enum cli_status command_top(struct cli *cli, const struct command_line *line);
enum cli_status command_show(struct cli *cli, const struct command_line *line);
enum cli_status command_exception_list(struct cli *cli, const struct command_line *line);
enum cli_status command_exception_add(struct cli *cli, const struct command_line *line);
enum cli_status command_exception_delete(struct cli *cli, const struct command_line *line);
enum cli_status command_block_list(struct cli *cli, const struct command_line *line);
enum cli_status command_block_add(struct cli *cli, const struct command_line *line);
enum cli_status command_block_delete(struct cli *cli, const struct command_line *line);
enum cli_status command_events(struct cli *cli, const struct command_line *line);
enum cli_status command_advise(struct cli *cli, const struct command_line *line);
enum cli_status command_reload(struct cli *cli, const struct command_line *line);
enum cli_status command_restart(struct cli *cli, const struct command_line *line);

/* Work without an agent. */
enum cli_status command_config(struct cli *cli, const struct command_line *line);
enum cli_status command_check(struct cli *cli, const struct command_line *line);
enum cli_status command_detach(struct cli *cli, const struct command_line *line);
enum cli_status command_completion(struct cli *cli, const struct command_line *line);
enum cli_status command_version(struct cli *cli, const struct command_line *line);
enum cli_status command_show_help(struct cli *cli, const struct command_line *line);

#endif
