/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What commands print: one renderer for people, one for programs. Each function takes the result
 * object of the reply as synanvil(1) documents it, trusts nothing of it (what is missing or of
 * another type prints as "-"), and returns 0 or -errno.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

struct output {
	int (*status)(FILE *stream, const json_t *result);
	int (*top)(FILE *stream, const json_t *result);
	int (*show)(FILE *stream, const json_t *result);
	int (*exceptions)(FILE *stream, const json_t *result);
	int (*blocks)(FILE *stream, const json_t *result);
	int (*events)(FILE *stream, const json_t *result);
	int (*event)(FILE *stream, const json_t *event); /* one more, of a stream that goes on */
	int (*config)(FILE *stream, const json_t *result);
	int (*check)(FILE *stream, const json_t *result);
	int (*advise)(FILE *stream, const json_t *result);
	int (*version)(FILE *stream, const json_t *result);
	/* Something was done: to each of the items (an array of strings), or as a whole if there
	 * are none. */
	int (*done)(FILE *stream, const json_t *result, const char *what, const json_t *items);
};

extern const struct output output_text;
extern const struct output output_json;

#endif
