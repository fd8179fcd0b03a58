/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of a request: its service, its client, its message, the queue.
 */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "client_match.h"
#include "log.h"
#include "policy_internal.h"
#include "service_names.h"
#include "state.h"

/* --- which service --- */

static bool is_server(const struct config_service *service, const struct policy_request *request)
{
	return request->server_known &&
	       memcmp(&service->address, &request->server, sizeof(request->server)) == 0;
}

/* As in the packet path: the row with the address before that of any address. */
static const struct config_service *service_of(const struct config *config,
					       const struct policy_request *request)
{
	const struct config_service *any = NULL;

	for (size_t i = 0; request->server_port && i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		if (service->port != request->server_port)
			continue;
		if (service->any_address)
			any = service;
		else if (is_server(service, request))
			return service;
	}
	return any;
}

void policy_limits_of(const struct config *config, const struct config_service *service,
		      struct policy_limits *ret_limits)
{
	const struct config_service *from = service ? service : &config->unlisted;

	*ret_limits = (struct policy_limits){
		.messages = from->message_rate_limit,
		.recipients = from->recipient_rate_limit,
		.unit_ms = config->rate_time_unit_s * 1000,
	};
}

/* A port that protected_ports does not have counts by itself, whatever the address. */
void policy_place_of(const struct config *config, const struct config_service *service,
		     const struct sa_address *client, uint16_t port, struct policy_place *ret_place)
{
	*ret_place = (struct policy_place){ .port = port };
	source_prefix(config, client, &ret_place->source);
	if (service && !service->any_address)
		ret_place->server = service->address;
}

/* --- what is known --- */

/* Exceptions added at run time come first: they only exempt. */
bool policy_exempts(const struct policy *policy, const struct sa_address *client,
		    const struct policy_text *name)
{
	struct prefix full;

	if (client) {
		prefix_of(client, 128, &full);
		if (state_exempts(policy->daemon->state, &full))
			return true;
	}
	return client_match_exempts(policy->match, client, name->data, name->size);
}

struct queue_demand policy_demand(const struct config *config)
{
	return (struct queue_demand){ .minfree = config->queue_minfree,
				      .size_limit = config->message_size_limit };
}

/* statvfs does not wait for a disk; on a network file system whose server is gone it would. */
static void queue_look(struct policy *policy, struct mono_ms now)
{
	const char *directory = policy->daemon->config->queue_directory;
	struct statvfs status;
	struct queue_room room;
	const int error = statvfs(directory, &status) < 0 ? errno : 0;

	if (!error)
		room = (struct queue_room){ status.f_frsize, status.f_bavail };
	if (!queue_space_learn(&policy->queue, error ? NULL : &room, now.ms))
		return;
	if (policy->queue.readable)
		log_info("queue_directory: %s can be read again", directory);
	else
		log_warning("queue_directory: %s: %s; mail is not refused for want of space",
			    directory, error ? strerror(error) : "unknown block size");
}

void policy_queue_refresh(struct policy *policy, struct mono_ms now)
{
	const struct queue_demand demand = policy_demand(policy->daemon->config);

	if (queue_space_due(&policy->queue, &demand, now.ms))
		queue_look(policy, now);
}

bool policy_queue_lacks(struct policy *policy, struct mono_ms now)
{
	const struct queue_demand demand = policy_demand(policy->daemon->config);

	policy_queue_refresh(policy, now);
	return queue_space_lacks(&policy->queue, &demand);
}

/*
 * Any program can tell of messages of any client. What may lead to a block, or to a log line by
 * which others ban, is therefore counted once more for each user who tells, so that what one of
 * them makes up is no evidence with another.
 */
static void witness(struct policy *policy, struct enquiry *one)
{
	const struct policy_limits *limits = &one->limits;
	struct policy_place place = one->place;
	uint32_t user;

	if ((!policy->daemon->config->client_block_threshold && !limits->messages &&
	     !limits->recipients) ||
	    !policy_block_witness(policy->block, one->asker, &user))
		return;
	place.witness = (uint64_t)user + 1;
	one->witness = place.witness;
	one->witnessed = policy_source_of(&policy->counters, &place);
	if (!one->message || one->message->witnessed)
		return;
	one->message->witnessed = 1;
	(void)policy_window_add(&one->witnessed->messages, 1, one->now.ms, one->limits.unit_ms);
}

/* Counts the message, but not yet the recipients: nobody is charged for those of refused mail. */
static void count(struct policy *policy, struct enquiry *one)
{
	const struct policy_request *request = one->request;
	const struct config *config = policy->daemon->config;

	policy_place_of(config, one->service, &request->client, request->server_port, &one->place);
	one->source = policy_source_of(&policy->counters, &one->place);
	if (policy_about_message(request->state))
		one->message =
			policy_message_count(&policy->counters, one->source, request,
					     one->asker->connection, &one->limits, one->now.ms);
	witness(policy, one);
	policy_recipients_due(&policy->counters, one->source, one->message, request,
			      one->asker->connection, &one->limits, one->now.ms, &one->due);
}

void policy_gather(struct policy *policy, struct enquiry *one)
{
	const struct policy_request *request = one->request;
	const struct config *config = policy->daemon->config;
	struct policy_facts *facts = &one->facts;

	one->service = service_of(config, request);
	policy_limits_of(config, one->service, &one->limits);
	facts->enforce = config->enforce;
	facts->size_limit = config->message_size_limit;
	facts->exempt = policy_exempts(policy, request->client_known ? &request->client : NULL,
				       &request->client_name);
	if (facts->exempt ||
	    (!policy_about_message(request->state) && !policy_about_recipient(request->state)))
		return;
	facts->queue_full = policy_queue_lacks(policy, one->now);
	if (!request->client_known)
		return;
	count(policy, one);
	facts->recipients = one->due.value;
	facts->recipient_limit = one->due.limit;
	if (!one->message)
		return;
	facts->messages = one->message->messages;
	facts->message_limit = one->message->message_limit;
	facts->ended = !facts->enforce && one->message->ended_at &&
		       one->message->ended_at < request->state;
}
