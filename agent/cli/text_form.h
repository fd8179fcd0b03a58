/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values as a person reads them. All of it is pure but for the time zone, which the C library
 * reads.
 */
#ifndef CLI_TEXT_FORM_H
#define CLI_TEXT_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DURATION_TEXT_SIZE 32
#define TIME_TEXT_SIZE     40

/* Every byte outside printable ASCII as \xHH: what comes from elsewhere must not steer a terminal.
 */
int text_write_escaped(FILE *stream, const char *text);

/* The same as a string for the caller to free, or NULL when memory is short. */
char *text_escape(const char *text);

/* The two largest units: "45 s", "12 min 3 s", "3 d 4 h". */
void duration_format(int64_t seconds, char text[static DURATION_TEXT_SIZE]);

/* RFC 3339 with any offset -> local time with its offset, whole seconds. false, and text untouched,
 * if it is no such time. */
bool time_format_local(const char *rfc3339, char text[static TIME_TEXT_SIZE]);

#endif
