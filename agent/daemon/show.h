/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that is known of one client, read at the moment of the question, and what its next SYN would
 * get. show_predict and show_places are pure and follow the packet path.
 */
#ifndef AGENT_SHOW_H
#define AGENT_SHOW_H

#include <jansson.h>

#include "daemon.h"
#include "outcomes.h"

/* What the next SYN of a client to a service is judged by. */
struct show_facts {
	bool exempt;
	bool blocked;
	uint32_t attempts; /* of the window, if it has not lapsed */
	uint32_t rate_limit;
	uint32_t connections; /* of the source */
	uint32_t places;      /* of the source: attempts that passed and are on their way */
	uint32_t connection_limit;
	uint32_t service_connections;
	uint32_t process_limit;
	bool behind_proxy; /* no share of the processes applies */
};

enum sa_reason show_predict(const struct show_facts *facts);

/* Places that sa_source.pending has at now_ms. */
uint32_t show_places(uint64_t pending, uint64_t now_ms);

enum outcome_action show_action(enum sa_reason reason, bool enforce);

/* The source that a client's address belongs to, for one service. */
void show_source_key(const struct sa_settings *settings, const struct sa_address *address,
		     uint32_t service, struct sa_source_key *ret_key);

/* The object of `show ADDRESS`. 0 or -errno. */
int show_json(const struct daemon *daemon, const struct sa_address *address, json_t **ret_object);

#endif
