/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions behind output_text, by the file that has them; and the table of `top`, which the
 * live screen shares.
 */
#ifndef CLI_OUTPUT_TEXT_H
#define CLI_OUTPUT_TEXT_H

#include <jansson.h>
#include <stdio.h>

int text_status(FILE *stream, const json_t *result);
int text_show(FILE *stream, const json_t *result);
int text_config(FILE *stream, const json_t *result);
int text_check(FILE *stream, const json_t *result);
int text_advise(FILE *stream, const json_t *result);
int text_version(FILE *stream, const json_t *result);
int text_done(FILE *stream, const json_t *result, const char *what, const json_t *items);

/* 0, or -EIO if something could not be written. */
int text_written(FILE *stream);

/* The array key of result if it has items; otherwise prints the sentence and returns NULL. */
const json_t *text_items_or_say(FILE *stream, const json_t *result, const char *key,
				const char *sentence);

/* The table of `top`; no line is longer than width, if that is above 0. */
int text_sources(FILE *stream, const json_t *result, int width);

#endif
