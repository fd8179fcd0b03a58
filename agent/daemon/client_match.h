/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configured list of exceptions for clients whose name is known: the first pattern that matches
 * address or name decides, as in Postfix. Takes as many look-ups as the list has prefix lengths,
 * and the name has dots, however long the list is. Pure but for its memory.
 */
#ifndef AGENT_CLIENT_MATCH_H
#define AGENT_CLIENT_MATCH_H

#include "config.h"

/* Longer names are none that DNS could have verified. */
#define CLIENT_NAME_MAX 255

struct client_match;

/* Borrows the names in patterns. 0 or -ENOMEM. */
int client_match_new(const struct config_patterns *patterns, struct client_match **ret_match);

/* Accepts NULL. Returns NULL. */
struct client_match *client_match_free(struct client_match *match);

/*
 * Whether the list exempts a client; address may be NULL where it is not known. The name is of any
 * bytes, in any case, and may be empty. "host.example" in the list is that name, ".example" all
 * below it.
 */
bool client_match_exempts(const struct client_match *match, const struct sa_address *address,
			  const char *name, size_t name_size);

#endif
