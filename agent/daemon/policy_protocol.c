/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of the policy protocol, as they come: whole lines are read where they are, and what is
 * needed of a request that is not complete is copied before its bytes go.
 */
#include "policy_protocol.h"

#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "prefix.h"

/* What is kept at first: most of a request. */
#define KEPT_ROOM_MIN 1024

enum kind { KIND_REQUEST, KIND_STATE, KIND_ADDRESS, KIND_PORT, KIND_COUNT, KIND_SIZE, KIND_TEXT };

struct attribute {
	const char *name;
	size_t size; /* of the name */
	enum kind kind;
	size_t offset; /* in struct policy_request */
	size_t known;  /* of an address: offset of the flag that says so */
};

#define ATTRIBUTE(text, what, member)                                     \
	{                                                                 \
		.name = (text), .size = sizeof(text) - 1, .kind = (what), \
		.offset = offsetof(struct policy_request, member)         \
	}
#define ADDRESS(text, member)                                                   \
	{                                                                       \
		.name = (text), .size = sizeof(text) - 1, .kind = KIND_ADDRESS, \
		.offset = offsetof(struct policy_request, member),              \
		.known = offsetof(struct policy_request, member##_known)        \
	}

/* What is needed, by the length of the name; all others are skipped. */
static const struct attribute attributes[] = {
	ATTRIBUTE("size", KIND_SIZE, size),
	ATTRIBUTE("sender", KIND_TEXT, sender),
	{ .name = "request", .size = 7, .kind = KIND_REQUEST },
	ATTRIBUTE("instance", KIND_TEXT, instance),
	ATTRIBUTE("recipient", KIND_TEXT, recipient),
	ATTRIBUTE("client_name", KIND_TEXT, client_name),
	ATTRIBUTE("client_port", KIND_PORT, client_port),
	ATTRIBUTE("server_port", KIND_PORT, server_port),
	ATTRIBUTE("protocol_state", KIND_STATE, state),
	ADDRESS("client_address", client),
	ADDRESS("server_address", server),
	ATTRIBUTE("recipient_count", KIND_COUNT, recipient_count),
	ATTRIBUTE("reverse_client_name", KIND_TEXT, reverse_client_name),
};

/* The first of each length, one more than its place in the table; 0: there is none. */
#define NAME_SIZE_MAX 19
static const uint8_t attributes_of_size[NAME_SIZE_MAX + 1] = {
	[4] = 1, [6] = 2, [7] = 3, [8] = 4, [9] = 5, [11] = 6, [14] = 9, [15] = 12, [19] = 13,
};

#define ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

/* --- values --- */

static bool text_is(const char *text, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(text, word, size) == 0;
}

static enum policy_state state_parse(const char *text, size_t size)
{
	for (enum policy_state state = POLICY_CONNECT; state < POLICY_STATES; state++)
		if (text_is(text, size, policy_state_name(state)))
			return state;
	return POLICY_UNKNOWN;
}

static bool address_read(const char *text, size_t size, struct sa_address *ret_address)
{
	struct prefix prefix;

	if (memchr(text, '/', size) || prefix_parse(text, size, PREFIX_ANY, &prefix) != PREFIX_OK)
		return false;
	memcpy(ret_address, prefix.address, sizeof(*ret_address));
	return true;
}

/* What is no such value leaves the request as it was: not known. */
static void value_take(struct policy_decoder *decoder, const struct attribute *attribute,
		       const char *text, size_t size)
{
	void *target = (char *)&decoder->request + attribute->offset;

	switch (attribute->kind) {
	case KIND_REQUEST:
		decoder->foreign = !text_is(text, size, "smtpd_access_policy");
		break;
	case KIND_STATE:
		*(enum policy_state *)target = state_parse(text, size);
		break;
	case KIND_ADDRESS:
		*(bool *)((char *)&decoder->request + attribute->known) =
			address_read(text, size, target);
		break;
	case KIND_PORT:
		(void)parse_port(text, size, target);
		break;
	case KIND_COUNT:
		(void)parse_digits(text, size, UINT32_MAX, target);
		break;
	case KIND_SIZE:
		(void)parse_digits_u64(text, size, target);
		break;
	case KIND_TEXT:
		if (size)
			*(struct policy_text *)target = (struct policy_text){ text, size };
		break;
	}
}

/* --- lines --- */

/* The attribute of this name, unless nobody needs it, or needs it again. */
static const struct attribute *attribute_find(const struct policy_decoder *decoder,
					      const char *name, size_t size)
{
	const size_t first = size <= NAME_SIZE_MAX ? attributes_of_size[size] : 0;

	if (!first)
		return NULL;
	for (size_t i = first - 1; i < ATTRIBUTES && attributes[i].size == size; i++)
		if (memcmp(attributes[i].name, name, size) == 0)
			return decoder->seen & 1U << i ? NULL : &attributes[i];
	return NULL;
}

/*
 * What a line is about, from as much of it as has come. POLICY_AT_START: that is not to be seen
 * yet; POLICY_SKIPPING: nobody needs it; POLICY_IN_LINE: *ret_attribute is needed.
 */
static enum policy_phase line_judge(struct policy_decoder *decoder, const char *line, size_t size,
				    const struct attribute **ret_attribute)
{
	const size_t looked = size < POLICY_LINE_MAX ? size : POLICY_LINE_MAX;
	const char *equals = memchr(line, '=', looked);

	if (equals == line) {
		decoder->fault = POLICY_FAULT_MALFORMED_LINE;
		return POLICY_SKIPPING;
	}
	if (!equals) {
		if (size > POLICY_LINE_MAX)
			decoder->fault = POLICY_FAULT_LINE_TOO_LONG;
		return POLICY_AT_START;
	}
	*ret_attribute = attribute_find(decoder, line, (size_t)(equals - line));
	if (!*ret_attribute)
		return POLICY_SKIPPING;
	if (size > POLICY_LINE_MAX)
		decoder->fault = POLICY_FAULT_LINE_TOO_LONG;
	return POLICY_IN_LINE;
}

/* A whole line; true if its value stays in use where it is. */
static bool line_take(struct policy_decoder *decoder, const char *line, size_t size, bool kept)
{
	const struct attribute *attribute = NULL;
	const enum policy_phase about = line_judge(decoder, line, size, &attribute);
	const size_t place = attribute ? (size_t)(attribute - attributes) : 0;

	if (!decoder->fault && about == POLICY_AT_START)
		decoder->fault = POLICY_FAULT_MALFORMED_LINE;
	if (decoder->fault || !attribute)
		return false;
	value_take(decoder, attribute, line + attribute->size + 1, size - attribute->size - 1);
	decoder->seen |= 1U << place;
	if (attribute->kind != KIND_TEXT || size == attribute->size + 1)
		return false;
	if (!kept)
		decoder->borrowed |= 1U << place;
	return true;
}

/* --- what is kept --- */

static struct policy_text *text_of(struct policy_decoder *decoder, size_t place)
{
	return (struct policy_text *)((char *)&decoder->request + attributes[place].offset);
}

/* Texts that are in kept move with it. */
static bool kept_grow(struct policy_decoder *decoder, size_t size)
{
	size_t room = decoder->kept_room ? decoder->kept_room : KEPT_ROOM_MIN;
	char *grown;

	if (decoder->kept_size + size <= decoder->kept_room)
		return true;
	while (room < decoder->kept_size + size)
		room *= 2;
	grown = malloc(room);
	if (!grown) {
		decoder->fault = POLICY_FAULT_NO_MEMORY;
		return false;
	}
	if (decoder->kept_size)
		memcpy(grown, decoder->kept, decoder->kept_size);
	for (size_t i = 0; i < ATTRIBUTES; i++) {
		struct policy_text *text = text_of(decoder, i);

		if (attributes[i].kind == KIND_TEXT && text->size && !(decoder->borrowed & 1U << i))
			text->data = grown + (text->data - decoder->kept);
	}
	free(decoder->kept);
	decoder->kept = grown;
	decoder->kept_room = room;
	return true;
}

static bool keep(struct policy_decoder *decoder, const char *data, size_t size)
{
	if (!kept_grow(decoder, size))
		return false;
	if (size)
		memcpy(decoder->kept + decoder->kept_size, data, size);
	decoder->kept_size += size;
	return true;
}

/* The caller's bytes go: what is needed of them is copied. */
static void texts_keep(struct policy_decoder *decoder)
{
	for (size_t i = 0; i < ATTRIBUTES && decoder->borrowed; i++) {
		struct policy_text *text = text_of(decoder, i);

		if (!(decoder->borrowed & 1U << i))
			continue;
		if (!keep(decoder, text->data, text->size))
			return;
		text->data = decoder->kept + decoder->kept_size - text->size;
		decoder->borrowed &= ~(1U << i);
	}
}

/* A line that does not end here. What is known of the request is kept before it. */
static void line_begin(struct policy_decoder *decoder, const char *line, size_t size)
{
	const struct attribute *attribute = NULL;

	if (line_judge(decoder, line, size, &attribute) == POLICY_SKIPPING || decoder->fault) {
		decoder->phase = POLICY_SKIPPING;
		return;
	}
	texts_keep(decoder);
	decoder->line_start = decoder->kept_size;
	decoder->phase = POLICY_IN_LINE;
	if (!decoder->fault)
		(void)keep(decoder, line, size);
}

/* More of the line that has begun; ended if a newline follows. */
static void line_continue(struct policy_decoder *decoder, const char *data, size_t size, bool ended)
{
	const size_t before = decoder->kept_size - decoder->line_start;
	/* One byte more than a line may have tells that it is too long. */
	const size_t room = POLICY_LINE_MAX + 1 - before;
	const struct attribute *attribute = NULL;
	const char *line;
	size_t line_size;

	if (!keep(decoder, data, size < room ? size : room))
		return;
	line = decoder->kept + decoder->line_start;
	line_size = decoder->kept_size - decoder->line_start;
	if (ended) {
		if (!line_take(decoder, line, line_size, true))
			decoder->kept_size = decoder->line_start;
		decoder->phase = POLICY_AT_START;
	} else if (line_judge(decoder, line, line_size, &attribute) == POLICY_SKIPPING) {
		decoder->kept_size = decoder->line_start;
		decoder->phase = POLICY_SKIPPING;
	}
}

/* --- requests --- */

static void decoder_restart(struct policy_decoder *decoder)
{
	free(decoder->kept);
	*decoder = (struct policy_decoder){ 0 };
}

static enum policy_progress request_end(struct policy_decoder *decoder)
{
	if (decoder->taken == 1) {
		decoder->fault = POLICY_FAULT_EMPTY_REQUEST;
		return POLICY_BROKEN;
	}
	if (decoder->foreign)
		decoder->request.state = POLICY_UNKNOWN;
	decoder->phase = POLICY_AT_END;
	return POLICY_REQUEST;
}

/* Takes size bytes of a line, with the newline behind them if ended. True: it was the empty line.
 */
static bool piece_take(struct policy_decoder *decoder, const char *data, size_t size, bool ended)
{
	decoder->taken += size + ended;
	if (decoder->taken > POLICY_REQUEST_MAX) {
		decoder->fault = POLICY_FAULT_REQUEST_TOO_LONG;
		return false;
	}
	switch (decoder->phase) {
	case POLICY_SKIPPING:
		if (ended)
			decoder->phase = POLICY_AT_START;
		return false;
	case POLICY_IN_LINE:
		line_continue(decoder, data, size, ended);
		return false;
	default:
		if (!ended)
			line_begin(decoder, data, size);
		else if (size)
			(void)line_take(decoder, data, size, false);
		return ended && !size;
	}
}

enum policy_progress policy_decode(struct policy_decoder *decoder, const char **cursor,
				   const char *end)
{
	if (decoder->phase == POLICY_AT_END)
		decoder_restart(decoder);
	while (*cursor < end && !decoder->fault) {
		const char *data = *cursor;
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		const size_t size = (size_t)((newline ? newline : end) - data);

		*cursor += size + (newline != NULL);
		if (piece_take(decoder, data, size, newline != NULL))
			return request_end(decoder);
	}
	if (!decoder->fault)
		texts_keep(decoder);
	return decoder->fault ? POLICY_BROKEN : POLICY_MORE;
}

bool policy_decoder_inside(const struct policy_decoder *decoder)
{
	return decoder->taken > 0 && decoder->phase != POLICY_AT_END;
}

void policy_decoder_done(struct policy_decoder *decoder)
{
	decoder_restart(decoder);
}

/* --- replies --- */

size_t policy_reply_encode(const char *text, char reply[static POLICY_REPLY_MAX])
{
	static const char head[] = "action=";
	const size_t most = POLICY_REPLY_MAX - 2;
	size_t size = sizeof(head) - 1;

	memcpy(reply, head, size);
	for (; *text && size < most; text++)
		reply[size++] = (char)(*text < ' ' || *text > '~' ? '?' : *text);
	reply[size++] = '\n';
	reply[size++] = '\n';
	return size;
}
