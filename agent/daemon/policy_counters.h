/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients have sent: messages and recipients of each source and service in anvil's windows,
 * the messages that were counted, and the refusals of each client. Lives as long as the agent, and
 * longer through policy_handover.h. Bounded: of each kind what was not used for the longest time
 * gives way, so that more pass then; a message that is asked about again after so many others
 * counts again. Pure but for its memory: the time is an argument.
 *
 * A message is known by its instance, whoever asks, on whichever connection. Without an instance
 * (MAIL, or a client that is not Postfix) it is known by client address, port and sender, from one
 * MAIL to the next, or to its end; and the next message of them that has an instance is that one.
 * Without one it may be another's, so such a refusal holds for the rest of its window and no
 * longer.
 */
#ifndef AGENT_POLICY_COUNTERS_H
#define AGENT_POLICY_COUNTERS_H

#include "lru_table.h"
#include "policy_protocol.h"
#include "prefix.h"

#define POLICY_SOURCES_MAX     262144 /* pairs of source and service */
#define POLICY_MESSAGES_MAX    262144
#define POLICY_CLIENTS_MAX     65536 /* with messages refused by rate */
#define POLICY_CONNECTIONS_MAX 65536 /* of Postfix, that ask about messages */

/* Kinds of events that are told once a window; the caller's numbering. */
#define POLICY_TOLD_KINDS 4

/* Starts with its first event; the first one at or after start + unit starts another. */
struct policy_window {
	uint64_t start_ms; /* valid unless value is 0 */
	uint32_t value;
	uint32_t padding;
};

/* A source and a service. */
struct policy_source {
	struct policy_window messages;
	struct policy_window recipients;
	uint64_t told_ms[POLICY_TOLD_KINDS]; /* the window's start, plus one; 0 = never */
};

enum policy_counted { POLICY_COUNTED_NOT, POLICY_COUNTED_BY_RCPT, POLICY_COUNTED_AT_ONCE };

struct policy_message {
	uint64_t window_ms;  /* start of the window that it was counted in */
	uint64_t connection; /* that asked first: at MAIL, or for each of its recipients; 0 = none
			      */
	uint32_t messages;   /* those of its source up to it, when it was counted */
	uint32_t message_limit;
	uint32_t recipients; /* those of its source, when its own were last counted */
	uint32_t recipient_limit;
	uint8_t counted;       /* enum policy_counted: how its recipients are */
	uint8_t ended_at;      /* enum policy_state of its first refusal as a whole; 0: none */
	uint8_t refusal_noted; /* in its client's refusals */
	uint8_t witnessed;     /* counted for the user who asked about it first, too */
	uint8_t padding[4];
};

/* A client address, on the word of one witness. */
struct policy_client {
	struct policy_window refused; /* messages refused by rate */
};

struct policy_counters {
	struct digest_secret secret;
	struct lru_table sources;     /* struct policy_source */
	struct lru_table messages;    /* struct policy_message */
	struct lru_table clients;     /* struct policy_client */
	struct lru_table connections; /* that are there: no value */
};

/* 0 or -ENOMEM. */
int policy_counters_init(struct policy_counters *counters, const struct digest_secret *secret);
void policy_counters_done(struct policy_counters *counters);

/* value after count more at now. */
uint32_t policy_window_add(struct policy_window *window, uint32_t count, uint64_t now_ms,
			   uint32_t unit_ms);

/* 0 if it has lapsed. */
uint32_t policy_window_value(const struct policy_window *window, uint64_t now_ms, uint32_t unit_ms);

/* Which source and service: a masked client address, and where it was connected to. */
struct policy_place {
	struct prefix source;
	struct sa_address server; /* zero for services of any address */
	uint16_t port;            /* host order; 0: not known */
	uint64_t
		witness; /* 0: whoever asks; else one more than the user who alone is listened to */
};

/* Makes the source if it is new. */
struct policy_source *policy_source_of(struct policy_counters *counters,
				       const struct policy_place *place);

/* NULL if it is not known. */
const struct policy_source *policy_source_peek(const struct policy_counters *counters,
					       const struct policy_place *place);

struct policy_limits {
	uint32_t messages; /* 0: none */
	uint32_t recipients;
	uint32_t unit_ms;
};

/*
 * The message that a request is about, counted if it was not before. request->state is about a
 * message and its client is known. Valid until the next call for another request.
 */
struct policy_message *policy_message_count(struct policy_counters *counters,
					    struct policy_source *source,
					    const struct policy_request *request,
					    uint64_t connection, const struct policy_limits *limits,
					    uint64_t now_ms);

/* What is due for the recipients of a request. */
struct policy_due {
	uint32_t charge; /* recipients to be counted, if nothing else refuses them */
	uint32_t value;  /* those of the source then; 0 where they were judged before, one by one */
	uint32_t limit;
};

/* message may be NULL (VRFY). Counts nothing. */
void policy_recipients_due(const struct policy_counters *counters,
			   const struct policy_source *source, const struct policy_message *message,
			   const struct policy_request *request, uint64_t connection,
			   const struct policy_limits *limits, uint64_t now_ms,
			   struct policy_due *ret_due);

/* Counts what is due. */
void policy_recipients_count(struct policy_counters *counters, struct policy_source *source,
			     struct policy_message *message, const struct policy_request *request,
			     uint64_t connection, const struct policy_due *due, uint32_t unit_ms,
			     uint64_t now_ms);

/* Messages without an instance end here; to be called once a request was answered. */
void policy_message_end(struct policy_counters *counters, const struct policy_request *request);

void policy_counters_connection_closed(struct policy_counters *counters, uint64_t connection);

/*
 * Notes that a message of the client was refused by rate, once a message, on the word of a witness
 * (as in struct policy_place); how many that makes.
 */
uint32_t policy_refusal_note(struct policy_counters *counters, struct policy_message *message,
			     const struct sa_address *client, uint64_t witness, uint32_t unit_ms,
			     uint64_t now_ms);

void policy_refusals_forget(struct policy_counters *counters, const struct sa_address *client,
			    uint64_t witness);

/*
 * Whether an event of this kind is the first of the source in its window: a kind that has no window
 * of its own (window NULL) gets one that starts with its first event.
 */
bool policy_tell(struct policy_source *source, unsigned kind, const struct policy_window *window,
		 uint32_t unit_ms, uint64_t now_ms);

#endif
