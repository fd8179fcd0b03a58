/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Postfix does to a long header field, step by step as its programs do it: smtpd reads lines
 * in pieces, cleanup collects pieces while there are less than limit bytes, and writes lines until
 * one does not fit. Slow, and nothing of it is shared with what is under test.
 */
#ifndef TESTS_HEADER_ORACLE_H
#define TESTS_HEADER_ORACLE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ORACLE_PIECE 2048

/* The field as one text; writes what is left of it to left (size bytes of room). */
static inline size_t oracle_cut(const char *field, size_t size, size_t limit, char *left)
{
	char *collected = malloc(size + 1);
	size_t used = 0, at = 0, out = 0;

	if (!collected)
		abort();
	/* Line by line, piece by piece. */
	while (at <= size) {
		const char *newline = memchr(field + at, '\n', size - at);
		const size_t end = newline ? (size_t)(newline - field) : size;
		bool first = true;

		do {
			size_t piece = end - at < ORACLE_PIECE ? end - at : ORACLE_PIECE;

			if (used < limit || (used == 0 && first)) {
				if (first && out + at > 0)
					collected[used++] = '\n';
				memcpy(collected + used, field + at, piece);
				used += piece;
			}
			at += piece;
			first = false;
		} while (at < end);
		at = end + 1;
	}
	/* Line by line again. */
	at = 0;
	while (at <= used) {
		const char *newline = memchr(collected + at, '\n', used - at);
		size_t end = newline ? (size_t)(newline - collected) : used;
		bool last = !newline;

		if (end > limit) {
			if ((double)at > 0.9 * (double)limit)
				break;
			end = limit;
			last = true;
		}
		if (at > 0)
			left[out++] = '\n';
		memcpy(left + out, collected + at, end - at);
		out += end - at;
		at = end + 1;
		if (last)
			break;
	}
	free(collected);
	return out;
}

#endif
