/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The message path's owner: what there is to know about a request is gathered here, and what
 * follows from the decision is done here.
 */
#include "policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>

#include "cleanup.h"
#include "client_match.h"
#include "events.h"
#include "log.h"
#include "policy_block.h"
#include "policy_counters.h"
#include "policy_handover.h"
#include "queue_space.h"
#include "service_names.h"
#include "state.h"

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
	struct policy_source *source;   /* NULL: not to be counted */
	struct policy_message *message; /* NULL: this is about none */
	struct policy_due due;
	struct policy_facts facts;
};

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

static void limits_of(const struct config *config, const struct config_service *service,
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
static void place_of(const struct config *config, const struct config_service *service,
		     const struct sa_address *client, uint16_t port, struct policy_place *ret_place)
{
	*ret_place = (struct policy_place){ .port = port };
	source_prefix(config, client, &ret_place->source);
	if (service && !service->any_address)
		ret_place->server = service->address;
}

/* --- what is known --- */

/* Exceptions added at run time come first: they only exempt. */
static bool is_exempt(const struct policy *policy, const struct sa_address *client,
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

static struct queue_demand demand_of(const struct config *config)
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

static void queue_refresh(struct policy *policy, struct mono_ms now)
{
	const struct queue_demand demand = demand_of(policy->daemon->config);

	if (queue_space_due(&policy->queue, &demand, now.ms))
		queue_look(policy, now);
}

static bool queue_lacks(struct policy *policy, struct mono_ms now)
{
	const struct queue_demand demand = demand_of(policy->daemon->config);

	queue_refresh(policy, now);
	return queue_space_lacks(&policy->queue, &demand);
}

/* Counts the message, but not yet the recipients: nobody is charged for those of refused mail. */
static void count(struct policy *policy, struct enquiry *one)
{
	const struct policy_request *request = one->request;
	const struct config *config = policy->daemon->config;

	place_of(config, one->service, &request->client, request->server_port, &one->place);
	one->source = policy_source_of(&policy->counters, &one->place);
	if (policy_about_message(request->state))
		one->message =
			policy_message_count(&policy->counters, one->source, request,
					     one->asker->connection, &one->limits, one->now.ms);
	policy_recipients_due(&policy->counters, one->source, one->message, request,
			      one->asker->connection, &one->limits, one->now.ms, &one->due);
}

static void gather(struct policy *policy, struct enquiry *one)
{
	const struct policy_request *request = one->request;
	const struct config *config = policy->daemon->config;
	struct policy_facts *facts = &one->facts;

	one->service = service_of(config, request);
	limits_of(config, one->service, &one->limits);
	facts->enforce = config->enforce;
	facts->size_limit = config->message_size_limit;
	facts->exempt = is_exempt(policy, request->client_known ? &request->client : NULL,
				  &request->client_name);
	if (facts->exempt ||
	    (!policy_about_message(request->state) && !policy_about_recipient(request->state)))
		return;
	facts->queue_full = queue_lacks(policy, one->now);
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

/* --- what follows --- */

static void name_service(const struct enquiry *one, struct service_name *ret_name)
{
	*ret_name = (struct service_name){ 0 };
	if (one->service) {
		memcpy(ret_name->label, one->service->label, sizeof(ret_name->label));
		memcpy(ret_name->name, one->service->name, sizeof(ret_name->name));
		return;
	}
	(void)snprintf(ret_name->label, sizeof(ret_name->label), "%u", one->request->server_port);
	if (!one->request->server_port)
		(void)snprintf(ret_name->label, sizeof(ret_name->label), "unknown");
	(void)snprintf(ret_name->name, sizeof(ret_name->name), "%.31s", ret_name->label);
}

/* How much of what was too much. */
static void measure(const struct policy *policy, const struct enquiry *one,
		    struct history_record *record)
{
	const struct queue_demand demand = demand_of(policy->daemon->config);

	switch (record->refusal) {
	case POLICY_MESSAGE_RATE:
		record->count = one->facts.messages;
		record->limit = one->facts.message_limit;
		return;
	case POLICY_RECIPIENT_RATE:
		record->count = one->facts.recipients;
		record->limit = one->facts.recipient_limit;
		return;
	case POLICY_SIZE:
		record->count = one->request->size;
		record->limit = one->facts.size_limit;
		return;
	default:
		record->count = policy->queue.room.free_blocks * policy->queue.room.block_size;
		record->limit = queue_room_required(&policy->queue.room, &demand);
	}
}

/* The window that a refusal belongs to; NULL: it has one of its own. */
static const struct policy_window *window_of(const struct enquiry *one, enum policy_reason reason)
{
	if (reason == POLICY_MESSAGE_RATE)
		return &one->source->messages;
	return reason == POLICY_RECIPIENT_RATE ? &one->source->recipients : NULL;
}

_Static_assert(POLICY_REASONS - POLICY_MESSAGE_RATE == POLICY_TOLD_KINDS, "a kind for each");

/* The first refusal of a source, reason and window is an event. */
static void report(struct policy *policy, const struct enquiry *one, enum policy_reason reason)
{
	const struct policy_request *request = one->request;
	struct history_record record = { .refusal = reason };
	char name[256] = "unknown";

	if (!one->source || !policy_tell(one->source, reason - POLICY_MESSAGE_RATE,
					 window_of(one, reason), one->limits.unit_ms, one->now.ms))
		return;
	if (request->client_name.size)
		(void)snprintf(name, sizeof(name), "%.*s", (int)request->client_name.size,
			       request->client_name.data);
	record.wall_ms = wall_now().ms;
	record.event.address = request->client;
	record.event.would_drop = !one->facts.enforce;
	record.prefix_length = one->place.source.length;
	name_service(one, &record.service);
	measure(policy, one, &record);
	events_refused(policy->daemon->events, &record, name);
}

/* Recipients that are refused one by one leave the message to go on. */
static bool ends_message(const struct enquiry *one, enum policy_reason reason)
{
	return reason != POLICY_RECIPIENT_RATE || one->request->state != POLICY_RCPT;
}

static void block(struct policy *policy, const struct enquiry *one)
{
	const struct policy_request *request = one->request;
	const uint32_t refused =
		policy_refusal_note(&policy->counters, one->message, &request->client,
				    one->limits.unit_ms, one->now.ms);
	const struct policy_offence offence = { request, one->asker, one->service, refused };

	/* Lifted by hand, it takes as many refusals again. */
	if (policy_block_consider(policy->block, &offence, one->now) == POLICY_BLOCKED)
		policy_refusals_forget(&policy->counters, &request->client);
}

static void refused(struct policy *policy, const struct enquiry *one, enum policy_reason reason)
{
	struct policy_message *message = one->message;

	report(policy, one, reason);
	if (!message || !ends_message(one, reason))
		return;
	if (!message->ended_at)
		message->ended_at = (uint8_t)one->request->state;
	if (reason == POLICY_MESSAGE_RATE || reason == POLICY_RECIPIENT_RATE)
		block(policy, one);
}

/* What may be written to the queue on the strength of this answer. */
static void admit(struct policy *policy, const struct policy_request *request)
{
	const uint64_t limit = policy->daemon->config->message_size_limit;

	if (request->state == POLICY_END_OF_MESSAGE)
		queue_space_admit(&policy->queue, request->size);
	else if (policy_about_message(request->state))
		queue_space_admit(&policy->queue, limit ? limit : UINT64_MAX);
}

static void conclude(struct policy *policy, const struct enquiry *one,
		     const struct policy_decision *decision)
{
	const enum policy_reason reason = decision->reason;

	policy->decisions[decision->action][reason]++;
	if (one->source && (reason == POLICY_NONE || reason == POLICY_RECIPIENT_RATE))
		policy_recipients_count(&policy->counters, one->source, one->message, one->request,
					one->asker->connection, &one->due, one->limits.unit_ms,
					one->now.ms);
	if (decision->action != POLICY_DUNNO)
		refused(policy, one, reason);
	if (!policy_refuses(decision->action))
		admit(policy, one->request);
	policy_message_end(&policy->counters, one->request);
}

void policy_answer(struct policy *policy, const struct policy_request *request,
		   const struct policy_asker *asker, struct mono_ms now,
		   char text[static POLICY_ANSWER_SIZE])
{
	struct enquiry one = { .request = request, .asker = asker, .now = now };
	struct policy_decision decision;

	gather(policy, &one);
	decision = decide(request, &one.facts);
	conclude(policy, &one, &decision);
	policy_answer_text(&decision, request, text);
}

void policy_connection_closed(struct policy *policy, uint64_t connection)
{
	policy_counters_connection_closed(&policy->counters, connection);
}

/* --- what others want to know --- */

void policy_look(struct policy *policy, const struct sa_address *client,
		 const struct config_service *service, struct mono_ms now,
		 struct policy_view *ret_view)
{
	const struct policy_request next = { .state = POLICY_RCPT };
	const struct config *config = policy->daemon->config;
	static const struct policy_text nameless;
	const struct policy_source *source;
	struct policy_limits limits;
	struct policy_place place;
	struct policy_view view = { 0 };

	limits_of(config, service, &limits);
	place_of(config, service, client, service->port, &place);
	source = policy_source_peek(&policy->counters, &place);
	if (source) {
		view.messages = policy_window_value(&source->messages, now.ms, limits.unit_ms);
		view.recipients = policy_window_value(&source->recipients, now.ms, limits.unit_ms);
	}
	view.message_limit = limits.messages;
	view.recipient_limit = limits.recipients;
	view.next = decide(&next, &(struct policy_facts){
					  .enforce = config->enforce,
					  .exempt = is_exempt(policy, client, &nameless),
					  .queue_full = queue_lacks(policy, now),
					  .messages = view.messages + 1,
					  .message_limit = limits.messages,
					  .recipients = view.recipients + 1,
					  .recipient_limit = limits.recipients,
					  .size_limit = config->message_size_limit,
				  });
	*ret_view = view;
}

void policy_stats_read(struct policy *policy, struct mono_ms now, struct policy_stats *ret_stats)
{
	const struct queue_demand demand = demand_of(policy->daemon->config);
	const struct queue_room *room = &policy->queue.room;

	*ret_stats = (struct policy_stats){ 0 };
	memcpy(ret_stats->decisions, policy->decisions, sizeof(policy->decisions));
	queue_refresh(policy, now);
	ret_stats->queue_unreadable = !policy->queue.readable;
	if (!policy->queue.readable)
		return;
	ret_stats->queue_free_bytes = room->free_blocks * room->block_size;
	ret_stats->queue_required_bytes = queue_room_required(room, &demand);
}

/* --- life --- */

struct client_match *policy_switch(struct policy *policy, struct client_match *match)
{
	struct client_match *old = policy->match;

	policy->match = match;
	/* The queue may be another one now. */
	policy->queue = (struct queue_space){ 0 };
	return old;
}

static int counters_new(struct policy_counters *counters)
{
	struct digest_secret secret;

	/* Short of the kernel's generator the time of the start has to do. */
	if (getrandom(&secret, sizeof(secret), GRND_NONBLOCK) != sizeof(secret))
		secret = (struct digest_secret){ { mono_now().ms, (uint64_t)wall_now().ms } };
	return policy_counters_init(counters, &secret);
}

static int counters_take(const char *directory, struct policy_counters *counters)
{
	const int error = policy_handover_load(directory, counters);

	if (!error || error == -ENOMEM)
		return error;
	if (error == -EINVAL)
		log_warning("%s/" POLICY_HANDOVER_NAME
			    ": damaged: messages and recipients are counted from 0",
			    directory);
	else if (error != -ENOENT && error != -ESTALE)
		log_warning("%s/" POLICY_HANDOVER_NAME
			    ": %s: messages and recipients are counted from 0",
			    directory, strerror(-error));
	return counters_new(counters);
}

static void policy_cleanup(struct policy **policy)
{
	if (!*policy)
		return;
	policy_counters_done(&(*policy)->counters);
	(void)client_match_free((*policy)->match);
	(void)policy_block_free((*policy)->block);
	free(*policy);
}

int policy_new(struct daemon *daemon, struct policy **ret_policy)
{
	_cleanup_(policy_cleanup) struct policy *policy = calloc(1, sizeof(*policy));
	int error;

	if (!policy)
		return -ENOMEM;
	policy->daemon = daemon;
	error = client_match_new(&daemon->config->exceptions, &policy->match);
	if (!error)
		error = policy_block_new(daemon, &policy->block);
	if (!error)
		error = counters_take(daemon->config->state_directory, &policy->counters);
	if (!error)
		*ret_policy = TAKE_PTR(policy);
	return error;
}

/* Also where the start fails: what was read for it is for the next one. */
static void counters_leave(const struct policy *policy)
{
	const struct config *config = policy->daemon->config;
	int error;

	if (policy->daemon->leave != DAEMON_KEEP || !policy->counters.sources.count)
		return;
	error = policy_handover_store(config->state_directory, &policy->counters,
				      config->rate_time_unit_s * 1000, mono_now().ms);
	if (error)
		log_warning("%s/" POLICY_HANDOVER_NAME
			    ": %s: the next start counts messages and recipients from 0",
			    config->state_directory, strerror(-error));
}

struct policy *policy_free(struct policy *policy)
{
	if (!policy)
		return NULL;
	counters_leave(policy);
	policy_cleanup(&policy);
	return NULL;
}
