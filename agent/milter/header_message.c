/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting, and keeping what is to be cut. Where memory is short a field stays as it is: that is no
 * reason to refuse mail.
 */
#include "header_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

static void edits_done(struct header_message *message)
{
	for (size_t i = 0; i < message->edit_count; i++) {
		free(message->edits[i].name);
		free(message->edits[i].value);
	}
	free(message->edits);
	message->edits = NULL;
	message->edit_count = 0;
	message->kept_bytes = 0;
}

void header_message_begin(struct header_message *message, const struct header_limits *limits,
			  bool exempt)
{
	header_message_done(message);
	message->limits = *limits;
	message->exempt = exempt;
}

static void refuse(struct header_message *message, enum header_excess excess)
{
	if (message->refused == HEADER_FITS)
		message->refused = excess;
	/* What is refused is not cut. */
	edits_done(message);
}

static char *copy(const char *text, size_t size)
{
	char *made = malloc(size + 1);

	if (made) {
		memcpy(made, text, size);
		made[size] = '\0';
	}
	return made;
}

/* Room doubles at powers of two. */
static struct header_edit *edit_new(struct header_message *message)
{
	const size_t count = message->edit_count;
	struct header_edit *grown;

	if ((count & (count - 1)) == 0) {
		grown = reallocarray(message->edits, count == 0 ? 1 : 2 * count, sizeof(*grown));
		if (!grown)
			return NULL;
		message->edits = grown;
	}
	return &message->edits[count];
}

/* What malloc takes for so many bytes: a word of its own, and no less than four. */
static size_t allocated(size_t size)
{
	const size_t word = sizeof(size_t), taken = (size + word + 2 * word - 1) & ~(2 * word - 1);

	return taken > 4 * word ? taken : 4 * word;
}

/* Of the list of edits up to half is empty. */
static size_t cost_of(const struct header_field *field, size_t value_size)
{
	return 2 * sizeof(struct header_edit) + allocated(field->name_size + 1) +
	       (value_size > 0 ? allocated(value_size + 1) : 0);
}

/* -ENOSPC: that is more than is kept of one message. */
static int keep(struct header_message *message, const struct header_field *field,
		uint32_t occurrence)
{
	const size_t left = header_cut(field, message->limits.field_bytes);
	const size_t head = header_field_head(field);
	const size_t value_size = left > head ? left - head : 0;
	const size_t cost = cost_of(field, value_size);
	_cleanup_free_ char *name = NULL, *value = NULL;
	struct header_edit *edit;

	if (cost > HEADER_KEPT_MAX - message->kept_bytes)
		return -ENOSPC;
	name = copy(field->name, field->name_size);
	if (value_size > 0)
		value = copy(field->value, value_size);
	edit = edit_new(message);
	if (!name || (value_size > 0 && !value) || !edit)
		return -ENOMEM;
	*edit = (struct header_edit){ TAKE_PTR(name), occurrence, TAKE_PTR(value) };
	message->edit_count++;
	message->kept_bytes += cost;
	return 0;
}

/* A field that may have to be cut, or is to be told apart from such a one later on. */
static void cut(struct header_message *message, const struct header_key *key,
		const struct header_field *field, bool over)
{
	uint32_t occurrence = 0;
	int error;

	if (message->limits.monitor) {
		message->cut = message->cut || over;
		return;
	}
	error = header_names_count(&message->names, key, field->name, field->name_size,
				   &occurrence);
	if (!over)
		return;
	if (!error)
		error = keep(message, field, occurrence);
	if (!error)
		message->cut = true;
	else if (error == -ENOSPC)
		refuse(message, HEADER_CUTS_MANY);
}

void header_message_field(struct header_message *message, const struct header_key *key,
			  const struct header_field *field)
{
	const struct header_limits *limits = &message->limits;
	const size_t size = header_field_size(field);
	const bool over = size > limits->field_bytes;

	if (message->exempt || message->refused != HEADER_FITS)
		return;
	message->field_count++;
	message->total_bytes += size;
	if (size > message->longest)
		message->longest = size;
	if (limits->field_count > 0 && message->field_count > limits->field_count)
		refuse(message, HEADER_FIELDS_MANY);
	else if (limits->total_bytes > 0 && message->total_bytes > limits->total_bytes)
		refuse(message, HEADER_TOTAL_LONG);
	else if (limits->reject && over)
		refuse(message, HEADER_FIELD_LONG);
	else if (!limits->reject)
		cut(message, key, field, over);
}

enum milter_action header_message_action(const struct header_message *message)
{
	const bool monitor = message->limits.monitor;

	if (message->refused != HEADER_FITS)
		return monitor ? MILTER_WOULD_REJECT : MILTER_REJECT;
	if (message->cut)
		return monitor ? MILTER_WOULD_TRUNCATE : MILTER_TRUNCATE;
	return MILTER_ACCEPT;
}

const char *header_excess_text(enum header_excess excess)
{
	switch (excess) {
	case HEADER_FIELDS_MANY:
		return "Message has too many header fields";
	case HEADER_TOTAL_LONG:
		return "Message header exceeds fixed limit";
	default:
		return "Message header field exceeds fixed limit";
	}
}

void header_message_done(struct header_message *message)
{
	edits_done(message);
	header_names_done(&message->names);
	*message = (struct header_message){ 0 };
}
