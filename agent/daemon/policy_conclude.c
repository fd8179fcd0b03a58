/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from a decision: counts, an event, a block.
 */
#include <stdio.h>
#include <string.h>

#include "events.h"
#include "evidence.h"
#include "policy_internal.h"
#include "service_names.h"
#include "settings.h"

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
	const struct queue_demand demand = policy_demand(policy->daemon->config);

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

/* Whether what the user who asks has told of would alone have been too much. */
static bool is_evidence(const struct enquiry *one, enum policy_reason reason)
{
	const struct policy_source *told = one->witnessed;
	const bool by_message = reason == POLICY_MESSAGE_RATE;

	return told && policy_window_value(by_message ? &told->messages : &told->recipients,
					   one->now.ms, one->limits.unit_ms) >
			       (by_message ? one->facts.message_limit : one->facts.recipient_limit);
}

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
	record.event.confirmed =
		(reason == POLICY_MESSAGE_RATE || reason == POLICY_RECIPIENT_RATE) &&
		is_evidence(one, reason) &&
		policy_block_confirms(policy->block, request, one->asker, one->service);
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
		policy_refusal_note(&policy->counters, one->message, &request->client, one->witness,
				    one->limits.unit_ms, one->now.ms);
	const struct policy_offence offence = { request, one->asker, one->service, refused };

	const enum policy_verdict verdict =
		policy_block_consider(policy->block, &offence, one->now);

	/* Lifted by hand, it takes as many refusals again: those of connections that were open
	 * when it was blocked do not count. */
	if (verdict == POLICY_BLOCKED || verdict == POLICY_BLOCK_KNOWN)
		policy_refusals_forget(&policy->counters, &request->client, one->witness);
}

static void refused(struct policy *policy, const struct enquiry *one, enum policy_reason reason)
{
	struct policy_message *message = one->message;

	report(policy, one, reason);
	if (!message || !ends_message(one, reason))
		return;
	if (!message->ended_at)
		message->ended_at = (uint8_t)one->request->state;
	if ((reason == POLICY_MESSAGE_RATE || reason == POLICY_RECIPIENT_RATE) &&
	    is_evidence(one, reason))
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

/* A message whose content may come, or was let in, says that its client delivers mail: by then
 * Postfix has accepted a recipient. */
static void delivers(const struct policy *policy, const struct enquiry *one)
{
	const struct daemon *daemon = policy->daemon;
	const struct policy_request *request = one->request;
	const struct sa_service *row =
		one->service ? settings_service(&daemon->settings, one->service) : NULL;
	struct sa_source_key key;

	if (!row || !one->source ||
	    (request->state != POLICY_DATA && request->state != POLICY_END_OF_MESSAGE))
		return;
	settings_source_key(&daemon->settings, &request->client, row->id, &key);
	evidence_delivered(daemon->evidence, &key, one->now);
}

static void charge(struct policy *policy, const struct enquiry *one)
{
	if (!one->source)
		return;
	policy_recipients_count(&policy->counters, one->source, one->message, one->request,
				one->asker->connection, &one->due, one->limits.unit_ms,
				one->now.ms);
	if (one->witnessed && one->due.charge)
		(void)policy_window_add(&one->witnessed->recipients, one->due.charge, one->now.ms,
					one->limits.unit_ms);
}

void policy_conclude(struct policy *policy, const struct enquiry *one,
		     const struct policy_decision *decision)
{
	const enum policy_reason reason = decision->reason;

	policy->decisions[decision->action][reason]++;
	/* What is refused for another reason, or in monitor mode would have been before, is free.
	 */
	if (!one->facts.ended && (reason == POLICY_NONE || reason == POLICY_RECIPIENT_RATE))
		charge(policy, one);
	if (decision->action != POLICY_DUNNO)
		refused(policy, one, reason);
	if (!policy_refuses(decision->action)) {
		admit(policy, one->request);
		delivers(policy, one);
	}
	policy_message_end(&policy->counters, one->request);
}
