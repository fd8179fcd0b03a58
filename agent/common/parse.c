/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that turns text into numbers.
 */
#include "parse.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int parse_long(const char *text, long *ret_value)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno == ERANGE)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int parse_bool(const char *text, bool *ret_value)
{
	if (strcasecmp(text, "yes") == 0)
		*ret_value = true;
	else if (strcasecmp(text, "no") == 0)
		*ret_value = false;
	else
		return -EINVAL;
	return 0;
}

/* Seconds in a unit; 0 for a letter that is none. */
static int unit_seconds(char unit)
{
	if (unit == 's')
		return 1;
	if (unit == 'm')
		return 60;
	if (unit == 'h')
		return 60 * 60;
	if (unit == 'd')
		return 24 * 60 * 60;
	return unit == 'w' ? 7 * 24 * 60 * 60 : 0;
}

int parse_time(const char *text, char default_unit, int *ret_seconds)
{
	char *end;
	long value;
	int unit;

	/* No digit at all counts as zero where a unit follows: Postfix reads "m" as 0m. */
	errno = 0;
	value = strtol(text, &end, 10);
	if (*text == '\0' || errno == ERANGE || value < 0 || value > INT_MAX)
		return -EINVAL;
	unit = unit_seconds(*end != '\0' ? *end : default_unit);
	if (unit == 0 || (unit > 1 && value >= INT_MAX / unit))
		return -EINVAL;
	*ret_seconds = (int)value * unit;
	return 0;
}

int parse_digits_u64(const char *text, size_t size, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (size == 0)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return -EINVAL;
	}
	*ret_value = value;
	return 0;
}

int parse_digits(const char *text, size_t size, uint32_t max, uint32_t *ret_value)
{
	uint64_t value;

	if (parse_digits_u64(text, size, &value) < 0 || value > max)
		return -EINVAL;
	*ret_value = (uint32_t)value;
	return 0;
}

int parse_port(const char *text, size_t size, uint16_t *ret_port)
{
	uint32_t value;

	if (parse_digits(text, size, UINT16_MAX, &value) != 0 || value == 0)
		return -EINVAL;
	*ret_port = (uint16_t)value;
	return 0;
}
