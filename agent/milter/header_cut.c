/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two steps, as in Postfix: a field is collected, piece by piece, until the limit is reached; then
 * its lines are written until one does not fit.
 */
#include "header_cut.h"

#include <string.h>

size_t header_field_head(const struct header_field *field)
{
	return field->name_size + 1 + field->blank_eaten;
}

size_t header_field_size(const struct header_field *field)
{
	return header_field_head(field) + field->value_size;
}

/* Offset of the end of the line that the byte at offset belongs to. */
static size_t line_end(const struct header_field *field, size_t offset)
{
	const size_t head = header_field_head(field);
	const size_t skip = offset > head ? offset - head : 0;
	const char *newline = field->value_size == skip
				      ? NULL
				      : memchr(field->value + skip, '\n', field->value_size - skip);

	return newline ? head + (size_t)(newline - field->value) : header_field_size(field);
}

/* Nothing is collected any more once the limit is reached: a line whose pieces end just there seems
 * to fit. */
static bool collected_exactly(size_t line, size_t limit)
{
	return limit > line && (limit - line) % HEADER_PIECE_BYTES == 0;
}

size_t header_cut(const struct header_field *field, size_t limit)
{
	const size_t size = header_field_size(field);
	size_t line = 0;

	if (size <= limit)
		return size;
	/* The line that does not fit: there is one, the last ends behind the limit. */
	for (size_t end = line_end(field, 0); end <= limit; end = line_end(field, line))
		line = end + 1;
	/* The kind cut: without the fold before that line. */
	if ((double)line > 0.9 * (double)limit && !collected_exactly(line, limit))
		return line - 1;
	return limit;
}
