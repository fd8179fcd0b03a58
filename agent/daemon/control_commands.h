/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of the control socket, each a short function from arguments to a reply;
 * control_protocol.h lists them.
 */
#ifndef AGENT_CONTROL_COMMANDS_H
#define AGENT_CONTROL_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon.h"
#include "listing.h"

/* Who asks. */
struct control_peer {
	bool may_change; /* root or the agent's own user */
};

/* What is sent back. Zero: an empty result. */
struct control_reply {
	json_t *result;
	json_t *warnings;
	char *error;            /* the reply is this line, and nothing else of the above */
	struct listing listing; /* its kind is not none: instead of a result */
};

void control_reply_done(struct control_reply *reply);

/* Runs command; *ret_reply has a result or an error in any case. */
void control_command_run(struct daemon *daemon, const struct control_peer *peer,
			 const char *command, const json_t *arguments,
			 struct control_reply *ret_reply);

#endif
