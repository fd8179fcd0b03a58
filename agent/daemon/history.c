/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last events: a ring that starts small.
 */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outcomes.h"
#include "time_text.h"

#define SIZE_AT_FIRST 64

/* Before it is full a ring is a plain array. */
static int grow(struct history *history)
{
	size_t size = history->size ? history->size * 2 : SIZE_AT_FIRST;
	struct history_record *moved;

	if (size > HISTORY_CAPACITY)
		size = HISTORY_CAPACITY;
	moved = reallocarray(history->records, size, sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	history->records = moved;
	history->size = size;
	return 0;
}

int history_add(struct history *history, const struct history_record *record)
{
	if (history->count < HISTORY_CAPACITY) {
		const int error = history->count == history->size ? grow(history) : 0;

		if (error)
			return error;
		history->records[history->count++] = *record;
		history->added++;
		return 0;
	}
	history->records[history->next] = *record;
	history->next = (history->next + 1) % HISTORY_CAPACITY;
	history->added++;
	return 0;
}

void history_done(struct history *history)
{
	free(history->records);
	*history = (struct history){ 0 };
}

const struct history_record *history_get(const struct history *history, size_t index)
{
	return &history->records[(history->next + index) % history->count];
}

bool history_matches(const struct history_filter *filter, const struct history_record *record)
{
	struct prefix address;

	if (record->wall_ms < filter->since_ms)
		return false;
	if (!filter->within)
		return true;
	prefix_of(&record->event.address, 128, &address);
	return prefix_covers(&filter->prefix, &address);
}

json_t *history_json(const struct history_record *record)
{
	char address[PREFIX_TEXT_SIZE], prefix[PREFIX_TEXT_SIZE], time[TIME_TEXT_SIZE];
	const bool refused = record->refusal != POLICY_NONE;
	struct prefix source;

	address_format(&record->event.address, address);
	prefix_of(&record->event.address, record->prefix_length, &source);
	prefix_format(&source, prefix);
	time_text(record->wall_ms, time);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b}", "time", time, "address",
			 address, "prefix", prefix, "service", record->service.label, "reason",
			 refused ? policy_reason_token(record->refusal)
				 : reason_token(record->event.reason),
			 "count", (json_int_t)(refused ? record->count : record->event.count),
			 "limit", (json_int_t)(refused ? record->limit : record->event.limit),
			 "would_drop", record->event.would_drop != 0);
}

static void refusal_line(const struct history_record *record, const char *client,
			 char line[static HISTORY_LINE_SIZE])
{
	const char *doubt = record->event.confirmed ? "" : " (source unverified)";
	const char *service = record->service.name;

	switch (record->refusal) {
	case POLICY_MESSAGE_RATE:
		(void)snprintf(line, HISTORY_LINE_SIZE,
			       "Message delivery request rate limit exceeded: %" PRIu64
			       " from %s for service %s%s",
			       record->count, client, service, doubt);
		return;
	case POLICY_RECIPIENT_RATE:
		(void)snprintf(line, HISTORY_LINE_SIZE,
			       "Recipient address rate limit exceeded: %" PRIu64
			       " from %s for service %s%s",
			       record->count, client, service, doubt);
		return;
	case POLICY_SIZE:
		(void)snprintf(line, HISTORY_LINE_SIZE,
			       "Message size limit exceeded: %" PRIu64 " from %s for service %s",
			       record->count, client, service);
		return;
	default:
		(void)snprintf(line, HISTORY_LINE_SIZE,
			       "not enough free space in mail queue: %" PRIu64 " bytes < %" PRIu64
			       ": mail from %s for service %s",
			       record->count, record->limit, client, service);
	}
}

static void packet_line(const struct history_record *record, char line[static HISTORY_LINE_SIZE])
{
	const struct sa_event *event = &record->event;
	const char *service = record->service.name;
	char client[PREFIX_TEXT_SIZE];

	address_format(&event->address, client);
	switch ((enum sa_reason)event->reason) {
	case SA_REASON_RATE:
		(void)snprintf(line, HISTORY_LINE_SIZE,
			       "SYN rate limit exceeded: %u from unknown[%s] for service %s "
			       "(source unverified)",
			       event->count, client, service);
		return;
	case SA_REASON_CONCURRENCY:
		(void)snprintf(line, HISTORY_LINE_SIZE,
			       "Connection concurrency limit exceeded: %u from unknown[%s] for "
			       "service %s%s%s",
			       event->count, client, service,
			       event->is_share ? " (share of a service that fills up)" : "",
			       event->confirmed ? "" : " (source unverified)");
		return;
	case SA_REASON_BLOCKED:
		(void)snprintf(line, HISTORY_LINE_SIZE,
			       "SYN from blocked client: unknown[%s] for service %s "
			       "(source unverified)",
			       client, service);
		return;
	default:
		(void)snprintf(line, HISTORY_LINE_SIZE,
			       "SYN refused: %s: unknown[%s] for service %s",
			       reason_sentence(event->reason), client, service);
		return;
	}
}

void history_line(const struct history_record *record, const char *name,
		  char line[static HISTORY_LINE_SIZE])
{
	char address[PREFIX_TEXT_SIZE], client[256 + PREFIX_TEXT_SIZE];

	if (record->refusal == POLICY_NONE) {
		packet_line(record, line);
		return;
	}
	address_format(&record->event.address, address);
	(void)snprintf(client, sizeof(client), "%s[%s]", name ? name : "unknown", address);
	refusal_line(record, client, line);
}

bool log_gate_open(struct log_gate *gate, uint64_t now_ms)
{
	const uint64_t second = now_ms / 1000;

	if (second != gate->second) {
		gate->second = second;
		gate->lines = 0;
	}
	if (gate->lines < LOG_GATE_LINES) {
		gate->lines++;
		return true;
	}
	gate->left_out++;
	return false;
}

uint64_t log_gate_flush(struct log_gate *gate, uint64_t now_ms)
{
	const uint64_t left_out = gate->left_out;

	if (now_ms / 1000 == gate->second)
		return 0;
	gate->left_out = 0;
	return left_out;
}
