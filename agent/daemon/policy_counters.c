/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting of messages and recipients.
 */
#include "policy_counters.h"

#include <errno.h>

#include "decide.h"

/* Keys of different kinds are never the same. */
enum key_kind { KEY_SOURCE, KEY_INSTANCE, KEY_SENDER, KEY_CLIENT };

int policy_counters_init(struct policy_counters *counters, const struct digest_secret *secret)
{
	*counters = (struct policy_counters){ .secret = *secret };
	if (lru_table_init(&counters->sources, POLICY_SOURCES_MAX, sizeof(struct policy_source)) ||
	    lru_table_init(&counters->messages, POLICY_MESSAGES_MAX,
			   sizeof(struct policy_message)) ||
	    lru_table_init(&counters->clients, POLICY_CLIENTS_MAX, sizeof(struct policy_client)) ||
	    lru_table_init(&counters->connections, POLICY_CONNECTIONS_MAX, 0)) {
		policy_counters_done(counters);
		return -ENOMEM;
	}
	return 0;
}

void policy_counters_done(struct policy_counters *counters)
{
	lru_table_done(&counters->sources);
	lru_table_done(&counters->messages);
	lru_table_done(&counters->clients);
	lru_table_done(&counters->connections);
}

/* --- windows --- */

/* Signed: what happened "before" the start belongs to the window. */
static bool lapsed(const struct policy_window *window, uint64_t now_ms, uint32_t unit_ms)
{
	return !window->value || (int64_t)(now_ms - window->start_ms) >= (int64_t)unit_ms;
}

uint32_t policy_window_value(const struct policy_window *window, uint64_t now_ms, uint32_t unit_ms)
{
	return lapsed(window, now_ms, unit_ms) ? 0 : window->value;
}

uint32_t policy_window_add(struct policy_window *window, uint32_t count, uint64_t now_ms,
			   uint32_t unit_ms)
{
	if (lapsed(window, now_ms, unit_ms))
		*window = (struct policy_window){ .start_ms = now_ms };
	if (__builtin_add_overflow(window->value, count, &window->value))
		window->value = UINT32_MAX;
	return window->value;
}

/* --- keys --- */

static void key_start(struct digest_state *state, const struct policy_counters *counters,
		      enum key_kind kind)
{
	const uint8_t byte = (uint8_t)kind;

	digest_start(state, &counters->secret);
	digest_add(state, &byte, sizeof(byte));
}

static void source_key(const struct policy_counters *counters, const struct policy_place *place,
		       struct digest *ret_key)
{
	struct digest_state state;

	key_start(&state, counters, KEY_SOURCE);
	digest_add(&state, place->source.address, sizeof(place->source.address));
	digest_add(&state, &place->source.length, sizeof(place->source.length));
	digest_add(&state, &place->server, sizeof(place->server));
	digest_add(&state, &place->port, sizeof(place->port));
	if (place->witness)
		digest_add(&state, &place->witness, sizeof(place->witness));
	digest_end(&state, ret_key);
}

static void instance_key(const struct policy_counters *counters,
			 const struct policy_request *request, struct digest *ret_key)
{
	struct digest_state state;

	key_start(&state, counters, KEY_INSTANCE);
	digest_add(&state, &request->client, sizeof(request->client));
	digest_add(&state, request->instance.data, request->instance.size);
	digest_end(&state, ret_key);
}

static void sender_key(const struct policy_counters *counters, const struct policy_request *request,
		       struct digest *ret_key)
{
	struct digest_state state;

	key_start(&state, counters, KEY_SENDER);
	digest_add(&state, &request->client, sizeof(request->client));
	digest_add(&state, &request->client_port, sizeof(request->client_port));
	digest_add(&state, request->sender.data, request->sender.size);
	digest_end(&state, ret_key);
}

static void client_key(const struct policy_counters *counters, const struct sa_address *client,
		       uint64_t witness, struct digest *ret_key)
{
	struct digest_state state;

	key_start(&state, counters, KEY_CLIENT);
	digest_add(&state, client, sizeof(*client));
	digest_add(&state, &witness, sizeof(witness));
	digest_end(&state, ret_key);
}

/* --- messages --- */

struct policy_source *policy_source_of(struct policy_counters *counters,
				       const struct policy_place *place)
{
	struct digest key;

	source_key(counters, place, &key);
	return lru_table_put(&counters->sources, &key);
}

const struct policy_source *policy_source_peek(const struct policy_counters *counters,
					       const struct policy_place *place)
{
	struct digest key;

	source_key(counters, place, &key);
	return lru_table_peek(&counters->sources, &key);
}

static struct digest connection_key(uint64_t connection)
{
	return (struct digest){ { connection, 0 } };
}

/*
 * Whether what the message was last asked about was asked on another connection that is still
 * there: then this one asks about the same thing again.
 */
static bool asked_elsewhere(const struct policy_counters *counters,
			    const struct policy_message *message, uint64_t connection)
{
	const struct digest key = connection_key(message->connection);

	return message->connection && message->connection != connection &&
	       lru_table_peek(&counters->connections, &key);
}

static void asked_by(struct policy_counters *counters, struct policy_message *message,
		     uint64_t connection)
{
	const struct digest key = connection_key(connection);

	message->connection = connection;
	if (connection)
		(void)lru_table_put(&counters->connections, &key);
}

/*
 * Whether what is known by client and sender alone has to be another message: the client's port may
 * be unknown, or in use again, and nobody is refused for what was too much in an earlier window. A
 * message that was let in stays so; a slow client does not pay twice.
 */
static bool outlived(const struct policy_message *message, enum policy_state state,
		     const struct policy_limits *limits, uint64_t now_ms)
{
	const bool refused =
		(message->message_limit && message->messages > message->message_limit) ||
		(message->recipient_limit && message->recipients > message->recipient_limit);

	return (refused || state == POLICY_MAIL) &&
	       (int64_t)(now_ms - message->window_ms) >= (int64_t)limits->unit_ms;
}

/* The message of an instance, taking over what its MAIL was told; NULL if it is new. */
static struct policy_message *by_instance(struct policy_counters *counters,
					  const struct policy_request *request,
					  const struct digest *key,
					  const struct policy_limits *limits, uint64_t now_ms)
{
	struct policy_message *known = lru_table_find(&counters->messages, key);
	const struct policy_message *announced;
	struct policy_message kept;
	struct digest mail;

	if (known)
		return known;
	sender_key(counters, request, &mail);
	announced = lru_table_peek(&counters->messages, &mail);
	if (!announced)
		return NULL;
	kept = *announced;
	lru_table_remove(&counters->messages, &mail);
	if (outlived(&kept, request->state, limits, now_ms))
		return NULL;
	known = lru_table_put(&counters->messages, key);
	*known = kept;
	known->connection = 0;
	return known;
}

/* The message of a client and a sender; each MAIL is a new one. */
static struct policy_message *by_sender(struct policy_counters *counters,
					const struct policy_request *request, uint64_t connection,
					const struct digest *key,
					const struct policy_limits *limits, uint64_t now_ms)
{
	struct policy_message *known = lru_table_find(&counters->messages, key);

	if (!known)
		return NULL;
	if (!outlived(known, request->state, limits, now_ms) &&
	    (request->state != POLICY_MAIL || asked_elsewhere(counters, known, connection)))
		return known;
	lru_table_remove(&counters->messages, key);
	return NULL;
}

struct policy_message *policy_message_count(struct policy_counters *counters,
					    struct policy_source *source,
					    const struct policy_request *request,
					    uint64_t connection, const struct policy_limits *limits,
					    uint64_t now_ms)
{
	struct policy_message *message;
	struct digest key;

	if (request->instance.size) {
		instance_key(counters, request, &key);
		message = by_instance(counters, request, &key, limits, now_ms);
	} else {
		sender_key(counters, request, &key);
		message = by_sender(counters, request, connection, &key, limits, now_ms);
	}
	if (message)
		return message;
	message = lru_table_put(&counters->messages, &key);
	message->messages = policy_window_add(&source->messages, 1, now_ms, limits->unit_ms);
	message->message_limit = limits->messages;
	message->window_ms = source->messages.start_ms;
	asked_by(counters, message, connection);
	return message;
}

void policy_message_end(struct policy_counters *counters, const struct policy_request *request)
{
	struct digest key;

	if (request->state != POLICY_END_OF_MESSAGE || request->instance.size ||
	    !request->client_known)
		return;
	sender_key(counters, request, &key);
	lru_table_remove(&counters->messages, &key);
}

/* --- recipients --- */

static uint32_t sum(uint32_t a, uint32_t b)
{
	uint32_t result;

	return __builtin_add_overflow(a, b, &result) ? UINT32_MAX : result;
}

void policy_recipients_due(const struct policy_counters *counters,
			   const struct policy_source *source, const struct policy_message *message,
			   const struct policy_request *request, uint64_t connection,
			   const struct policy_limits *limits, uint64_t now_ms,
			   struct policy_due *ret_due)
{
	const bool one = request->state == POLICY_RCPT || request->state == POLICY_VRFY;
	struct policy_due due = { .charge = one ? 1 : request->recipient_count,
				  .limit = limits->recipients };

	*ret_due = (struct policy_due){ 0 };
	if (!policy_about_recipient(request->state))
		return;
	if (message && message->counted == POLICY_COUNTED_BY_RCPT && !one)
		return;
	if (message && message->counted != POLICY_COUNTED_NOT &&
	    (message->counted == POLICY_COUNTED_AT_ONCE ||
	     asked_elsewhere(counters, message, connection))) {
		ret_due->value = message->recipients;
		ret_due->limit = message->recipient_limit;
		return;
	}
	if (due.charge)
		due.value = sum(policy_window_value(&source->recipients, now_ms, limits->unit_ms),
				due.charge);
	*ret_due = due;
}

void policy_recipients_count(struct policy_counters *counters, struct policy_source *source,
			     struct policy_message *message, const struct policy_request *request,
			     uint64_t connection, const struct policy_due *due, uint32_t unit_ms,
			     uint64_t now_ms)
{
	if (!due->charge)
		return;
	(void)policy_window_add(&source->recipients, due->charge, now_ms, unit_ms);
	if (!message)
		return;
	message->recipients = due->value;
	message->recipient_limit = due->limit;
	message->counted = POLICY_COUNTED_AT_ONCE;
	if (request->state != POLICY_RCPT)
		return;
	message->counted = POLICY_COUNTED_BY_RCPT;
	asked_by(counters, message, connection);
}

void policy_counters_connection_closed(struct policy_counters *counters, uint64_t connection)
{
	const struct digest key = connection_key(connection);

	lru_table_remove(&counters->connections, &key);
}

/* --- refusals --- */

uint32_t policy_refusal_note(struct policy_counters *counters, struct policy_message *message,
			     const struct sa_address *client, uint64_t witness, uint32_t unit_ms,
			     uint64_t now_ms)
{
	struct policy_client *known;
	struct digest key;

	client_key(counters, client, witness, &key);
	known = lru_table_put(&counters->clients, &key);
	if (message->refusal_noted)
		return policy_window_value(&known->refused, now_ms, unit_ms);
	message->refusal_noted = 1;
	return policy_window_add(&known->refused, 1, now_ms, unit_ms);
}

void policy_refusals_forget(struct policy_counters *counters, const struct sa_address *client,
			    uint64_t witness)
{
	struct digest key;

	client_key(counters, client, witness, &key);
	lru_table_remove(&counters->clients, &key);
}

bool policy_tell(struct policy_source *source, unsigned kind, const struct policy_window *window,
		 uint32_t unit_ms, uint64_t now_ms)
{
	uint64_t *told = &source->told_ms[kind];
	const uint64_t start = window ? window->start_ms + 1 : now_ms + 1;

	if (window ? *told == start : *told && now_ms + 1 - *told < unit_ms)
		return false;
	*told = start;
	return true;
}
