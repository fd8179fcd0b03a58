/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of any fields: a long field is cut where Postfix' own steps would cut it, occurrences
 * are those that counting by hand gives, and memory stays bounded. The input: two bytes of limit,
 * one of modes, then "name:value" fields between NULs, where one byte of a value may stand for
 * thousands.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../unit/header_oracle.h"
#include "header_message.h"

#define FIELDS_MAX 64
#define FIELD_ROOM 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct header_key key = { { 1, 2 } };

struct fields {
	char *texts[FIELDS_MAX];
	size_t sizes[FIELDS_MAX];
	size_t count;
};

/* A byte from 0xf0 on is many of itself, so that small inputs make long fields. */
static size_t expand(const uint8_t *data, size_t size, char *text)
{
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		size_t times = data[i] >= 0xf0 ? (size_t)1 << (data[i] - 0xf0) : 1;

		if (times > FIELD_ROOM - used)
			times = FIELD_ROOM - used;
		memset(text + used, data[i], times);
		used += times;
	}
	return used;
}

static void check_edit(const struct header_edit *edit, const struct fields *fields, size_t limit)
{
	static char left[2 * FIELD_ROOM];
	const size_t name_size = strlen(edit->name);
	uint32_t seen = 0;

	for (size_t i = 0; i < fields->count; i++) {
		const char *text = fields->texts[i];
		const size_t here =
			(size_t)((const char *)memchr(text, ':', fields->sizes[i]) - text);
		size_t want;

		if (here != name_size || strncasecmp(text, edit->name, here) != 0)
			continue;
		if (++seen != edit->occurrence)
			continue;
		want = oracle_cut(text, fields->sizes[i], limit, left);
		if (fields->sizes[i] <= limit)
			abort();
		if (want <= name_size + 1
			    ? edit->value != NULL
			    : !edit->value || strlen(edit->value) != want - here - 1 ||
				      memcmp(edit->value, left + here + 1, want - here - 1) != 0)
			abort();
		return;
	}
	abort();
}

static void add(struct fields *fields, struct header_message *message, const uint8_t *data,
		size_t size)
{
	char *text = malloc(FIELD_ROOM + 1);
	const char *colon;
	size_t used;

	if (!text)
		abort();
	used = expand(data, size, text);
	colon = memchr(text, ':', used);
	if (!colon || colon == text || memchr(text, '\n', (size_t)(colon - text)) ||
	    fields->count == FIELDS_MAX) {
		free(text);
		return;
	}
	fields->texts[fields->count] = text;
	fields->sizes[fields->count++] = used;
	header_message_field(
		message, &key,
		&(struct header_field){ .name = text,
					.name_size = (size_t)(colon - text),
					.value = colon + 1,
					.value_size = used - (size_t)(colon - text) - 1 });
}

static void check(const struct header_message *message, const struct fields *fields)
{
	size_t over = 0;

	if (message->kept_bytes > HEADER_KEPT_MAX)
		abort();
	for (size_t i = 0; i < fields->count; i++)
		over += fields->sizes[i] > message->limits.field_bytes;
	if (header_message_action(message) != MILTER_TRUNCATE)
		return;
	if (message->edit_count != over)
		abort();
	for (size_t i = 0; i < message->edit_count; i++)
		check_edit(&message->edits[i], fields, message->limits.field_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct header_message message = { 0 };
	struct fields fields = { .count = 0 };
	struct header_limits limits = { 0 };

	if (size < 3)
		return 0;
	limits.field_bytes = 1 + (size_t)data[0] * 256 + data[1];
	limits.reject = data[2] & 1;
	limits.monitor = data[2] & 2;
	limits.field_count = data[2] & 4 ? 3 : 0;
	limits.total_bytes = data[2] & 8 ? 5000 : 0;
	header_message_begin(&message, &limits, data[2] & 16);
	for (data += 3, size -= 3; size > 0;) {
		const uint8_t *end = memchr(data, 0, size);
		const size_t length = end ? (size_t)(end - data) : size;

		add(&fields, &message, data, length);
		data += length + (end ? 1 : 0);
		size -= length + (end ? 1 : 0);
	}
	check(&message, &fields);
	header_message_done(&message);
	for (size_t i = 0; i < fields.count; i++)
		free(fields.texts[i]);
	return 0;
}
