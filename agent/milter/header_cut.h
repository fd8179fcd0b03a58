/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where Postfix cuts a header field that is longer than header_size_limit (cleanup(8);
 * mime_state.c, cleanup_out.c). Pure.
 */
#ifndef MILTER_HEADER_CUT_H
#define MILTER_HEADER_CUT_H

#include <stdbool.h>
#include <stddef.h>

/* What smtpd(8) reads at once of a long line: line_length_limit, in bytes. */
#define HEADER_PIECE_BYTES 2048

/* A field as Postfix counts it: the name, ":", and all that follows, each fold one "\n". */
struct header_field {
	const char *name;
	size_t name_size;
	bool blank_eaten; /* the blank behind the ":" was taken away, and will be put there again */
	const char *value; /* from behind the ":" or that blank on; need not end with NUL */
	size_t value_size;
};

/* Bytes of the field, and of those in front of its value. */
size_t header_field_size(const struct header_field *field);
size_t header_field_head(const struct header_field *field);

/* How many of them Postfix leaves where its limit is so many bytes, at least 1: all, or the lines
 * that fit if they fill more than nine tenths of it, or just as many as the limit. */
size_t header_cut(const struct header_field *field, size_t limit);

#endif
