/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of a reply as text. What is null, missing or of another type is "-".
 */
#ifndef CLI_TEXT_VALUE_H
#define CLI_TEXT_VALUE_H

#include <jansson.h>
#include <stdbool.h>

#define VALUE_TEXT_SIZE 40

/* Borrowed from object; not escaped. */
const char *value_string(const json_t *object, const char *key);

/* An integer; *text is where it is printed to. Returns text. */
const char *value_number(const json_t *object, const char *key, char text[static VALUE_TEXT_SIZE]);

/* A limit: 0 is "none". */
const char *value_limit(const json_t *object, const char *key, char text[static VALUE_TEXT_SIZE]);

/* A number of seconds as a duration; otherwise is for null. */
const char *value_duration(const json_t *object, const char *key, const char *otherwise,
			   char text[static VALUE_TEXT_SIZE]);

/* How old what was counted is: "counted 3 s ago"; null: "not counted yet". */
const char *value_age(const json_t *object, const char *key, char text[static VALUE_TEXT_SIZE]);

/* An RFC 3339 time as local time; as it came if it is none. */
const char *value_time(const json_t *object, const char *key, char text[static VALUE_TEXT_SIZE]);

/* "yes" or "no". */
const char *value_yes_no(const json_t *object, const char *key);

/* The integer, or 0 if there is none. */
json_int_t value_integer(const json_t *object, const char *key);

/* The sentence of the reason with this token; the token itself if this program does not know it. */
const char *reason_sentence(const char *token);

#endif
