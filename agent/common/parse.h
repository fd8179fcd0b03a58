/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers, booleans and times, as strict as Postfix reads them and no stricter. Pure. All return 0,
 * or -EINVAL with the result untouched.
 */
#ifndef AGENT_PARSE_H
#define AGENT_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Postfix' integer: leading blanks, sign and zeros are fine; no suffix, nothing behind, nothing
 * that overflows. */
int parse_long(const char *text, long *ret_value);

/* yes or no, in any case. */
int parse_bool(const char *text, bool *ret_value);

/*
 * Postfix' time: a number that is not negative, and the unit s, m, h, d or w; what follows that
 * letter does not matter
 * ("10seconds"). Without a letter the number is in default_unit. The product is below INT_MAX.
 */
int parse_time(const char *text, char default_unit, int *ret_seconds);

/* size bytes, all of them digits (at least one). */
int parse_digits_u64(const char *text, size_t size, uint64_t *ret_value);

/* The same, of a value up to max. */
int parse_digits(const char *text, size_t size, uint32_t max, uint32_t *ret_value);

/* A port number: 1 to 65535. */
int parse_port(const char *text, size_t size, uint16_t *ret_port);

#endif
