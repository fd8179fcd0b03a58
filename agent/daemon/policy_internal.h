/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the message path's owner share among themselves: policy.c (life, and what
 * others may ask), policy_gather.c (what is known of a request), policy_conclude.c (what follows
 * from the decision). Nobody else includes this.
 */
#ifndef AGENT_POLICY_INTERNAL_H
#define AGENT_POLICY_INTERNAL_H

#include "policy.h"
#include "policy_block.h"
#include "policy_counters.h"
#include "queue_space.h"

struct policy {
	struct daemon *daemon;
	struct policy_counters counters;
	struct client_match *match;
	struct policy_block *block;
	struct queue_space queue;
	uint64_t decisions[POLICY_ACTIONS][POLICY_REASONS];
};

/* A request and what was found out about it. */
struct enquiry {
	const struct policy_request *request;
	const struct policy_asker *asker;
	struct mono_ms now;
	const struct config_service *service; /* NULL: none of protected_ports */
	struct policy_limits limits;
	struct policy_place place;
	struct policy_source *source; /* NULL: not to be counted */
	/* The same source, as far as the user who asks has told of it; NULL: there is no
	 * limit, or that user is not known. */
	struct policy_source *witnessed;
	uint64_t witness;               /* of witnessed, as in its place */
	struct policy_message *message; /* NULL: this is about none */
	struct policy_due due;
	struct policy_facts facts;
};

/* Fills in all but request, asker and now; counts the message. policy_gather.c */
void policy_gather(struct policy *policy, struct enquiry *one);

/* Counts the decision and the recipients, tells of a refusal, blocks. policy_conclude.c */
void policy_conclude(struct policy *policy, const struct enquiry *one,
		     const struct policy_decision *decision);

/* The limits of a service; NULL: of a port that protected_ports does not have. policy_gather.c */
void policy_limits_of(const struct config *config, const struct config_service *service,
		      struct policy_limits *ret_limits);

/* What a client is charged to. policy_gather.c */
void policy_place_of(const struct config *config, const struct config_service *service,
		     const struct sa_address *client, uint16_t port,
		     struct policy_place *ret_place);

/* client NULL: its address is not known. policy_gather.c */
bool policy_exempts(const struct policy *policy, const struct sa_address *client,
		    const struct policy_text *name);

struct queue_demand policy_demand(const struct config *config);

/* Looks at the queue's free space if it is time to. policy_gather.c */
void policy_queue_refresh(struct policy *policy, struct mono_ms now);
bool policy_queue_lacks(struct policy *policy, struct mono_ms now);

#endif
