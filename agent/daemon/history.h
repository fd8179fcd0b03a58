/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last events, oldest first, in bounded memory; each as it reads in the log and in JSON; and a
 * gate that keeps the log from drowning. Pure: the time is an argument.
 */
#ifndef AGENT_HISTORY_H
#define AGENT_HISTORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide.h"
#include "prefix.h"
#include "service_names.h"

#define HISTORY_CAPACITY 10000

/* What was known when the event happened; a reload may since have changed prefix lengths and
 * services. */
struct history_record {
	int64_t wall_ms;
	/* Of a refused message: address and would_drop (in monitor mode it would have been). */
	struct sa_event event;
	enum policy_reason refusal; /* POLICY_NONE: an event of the packet path */
	uint64_t count;             /* with refusal: messages, recipients, or bytes */
	uint64_t limit;
	uint8_t prefix_length; /* of the source, over the mapped form */
	struct service_name service;
};

/* Zero-initialise; grows up to HISTORY_CAPACITY records. */
struct history {
	struct history_record *records;
	size_t size;    /* allocated */
	size_t count;   /* used */
	size_t next;    /* where the next one goes, once all are used */
	uint64_t added; /* ever; so each has a number, the newest is added - 1 */
};

/* Forgets the oldest if need be. -ENOMEM leaves everything as it was. */
int history_add(struct history *history, const struct history_record *record);
void history_done(struct history *history);

/* Oldest is 0; index below history->count. */
const struct history_record *history_get(const struct history *history, size_t index);

/* Which records are wanted; zero: all. */
struct history_filter {
	bool within; /* only events of addresses in: */
	struct prefix prefix;
	int64_t since_ms; /* wall clock */
};

bool history_matches(const struct history_filter *filter, const struct history_record *record);

/* As `events` shows it; NULL when memory is short. */
json_t *history_json(const struct history_record *record);

#define HISTORY_LINE_SIZE 512

/*
 * The log line, without "warning: ", in the words of Postfix' own. name is the client's, or NULL
 * where only its address is known.
 */
void history_line(const struct history_record *record, const char *name,
		  char line[static HISTORY_LINE_SIZE]);

/* Lines that the log gets in a second. */
#define LOG_GATE_LINES 20

struct log_gate {
	uint64_t second;
	unsigned lines;
	uint64_t left_out;
};

/* Whether one more line may go to the log in this second; counts it as left out if not. */
bool log_gate_open(struct log_gate *gate, uint64_t now_ms);

/* How many were left out, once their second is over; then starts anew. 0: nothing to tell yet. */
uint64_t log_gate_flush(struct log_gate *gate, uint64_t now_ms);

#endif
