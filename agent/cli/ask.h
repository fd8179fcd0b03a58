/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the functions behind the commands share: asking the agent, printing its answer, reading
 * arguments.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <jansson.h>

#include "cli.h"
#include "control_client.h"

typedef int render_fn(FILE *stream, const json_t *result);

/*
 * Sends command with arguments (stolen; may be NULL for none), prints the reply's warnings, and
 * gives the result, which client owns. client is the caller's to release in any case. Failures are
 * printed; ask_agent_if_any leaves it to the caller to say that there is no agent.
 */
enum cli_status ask_agent(const struct cli *cli, struct client *client, const char *command,
			  json_t *arguments, json_t **ret_result);
enum cli_status ask_agent_if_any(const struct cli *cli, struct client *client, const char *command,
				 json_t *arguments, json_t **ret_result);

/* The exit status for the end of a conversation. */
enum cli_status ask_status(enum client_result result);

/* Asks and renders, in one. Steals arguments. */
enum cli_status ask_and_render(const struct cli *cli, const char *command, json_t *arguments,
			       render_fn *render);

/* Asks and says that it is done: what, of each of the items (borrowed; NULL: as a whole). Steals
 * arguments. */
enum cli_status ask_and_confirm(const struct cli *cli, const char *command, json_t *arguments,
				const char *what, const json_t *items);

/* Waits until the agent, told to leave by the call that client made, has done so. */
enum cli_status ask_gone(const struct cli *cli, struct client *client);

/* The status for the result of a renderer, after saying why if it failed. */
enum cli_status rendered(const struct cli *cli, int result);

/* Adds value (stolen) to the arguments of a request. CLI_FAILED, said, if memory is short. */
enum cli_status put(const struct cli *cli, json_t *arguments, const char *key, json_t *value);

/* The printed form of the prefix that argument means, as a string for the caller; or says what is
 * wrong with it. */
enum cli_status prefix_argument(const struct cli *cli, const char *argument, json_t **ret_prefix);

/* The longest time that an agent takes: ten years. */
#define CLI_SECONDS_MAX (10 * 366 * 24 * 3600)

/* A time as Postfix writes them; what follows a number is one unit and perhaps more letters, but no
 * second number. */
int time_argument(const char *text, int *ret_seconds);

#endif
