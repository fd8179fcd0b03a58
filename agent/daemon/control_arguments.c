/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking of arguments.
 */
#include "control_arguments.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

int argument_refuse(char **reterr_message, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(reterr_message, format, arguments) < 0)
		*reterr_message = NULL;
	va_end(arguments);
	return error;
}

static int prefix_refuse(const char *text, enum prefix_error error, const struct prefix *prefix,
			 char **reterr_message)
{
	char meant[PREFIX_TEXT_SIZE];

	if (error != PREFIX_HOST_BITS)
		return argument_refuse(reterr_message, -EINVAL, "%s: %s", text,
				       prefix_error_text(error));
	prefix_format(prefix, meant);
	return argument_refuse(reterr_message, -EINVAL, "%s: %s (did you mean %s?)", text,
			       prefix_error_text(error), meant);
}

static int prefix_read(const json_t *item, struct prefix *ret_prefix, char **reterr_message)
{
	const char *text = json_string_value(item);
	enum prefix_error error;

	if (!text)
		return argument_refuse(reterr_message, -EINVAL, "a prefix is not a text");
	error = prefix_parse(text, json_string_length(item), PREFIX_ANY, ret_prefix);
	return error ? prefix_refuse(text, error, ret_prefix, reterr_message) : 0;
}

int argument_prefixes(const json_t *arguments, struct prefix **ret_prefixes, size_t *ret_count,
		      char **reterr_message)
{
	const json_t *list = json_object_get(arguments, "prefixes");
	const size_t count = json_array_size(list);
	_cleanup_free_ struct prefix *prefixes = NULL;

	if (!count)
		return argument_refuse(reterr_message, -EINVAL, "no prefixes are given");
	prefixes = calloc(count, sizeof(*prefixes));
	if (!prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const int error =
			prefix_read(json_array_get(list, i), &prefixes[i], reterr_message);

		if (error)
			return error;
	}
	*ret_prefixes = TAKE_PTR(prefixes);
	*ret_count = count;
	return 0;
}

int argument_number(const json_t *arguments, const char *name, json_int_t least, json_int_t most,
		    json_int_t otherwise, json_int_t *ret_value, char **reterr_message)
{
	const json_t *value = json_object_get(arguments, name);

	if (!value || json_is_null(value)) {
		*ret_value = otherwise;
		return 0;
	}
	if (!json_is_integer(value) || json_integer_value(value) < least ||
	    json_integer_value(value) > most)
		return argument_refuse(reterr_message, -EINVAL,
				       "%s: not a number from %" JSON_INTEGER_FORMAT
				       " to %" JSON_INTEGER_FORMAT,
				       name, least, most);
	*ret_value = json_integer_value(value);
	return 0;
}

int argument_bool(const json_t *arguments, const char *name, bool *ret_value, char **reterr_message)
{
	const json_t *value = json_object_get(arguments, name);

	if (value && !json_is_boolean(value) && !json_is_null(value))
		return argument_refuse(reterr_message, -EINVAL, "%s: neither true nor false", name);
	*ret_value = json_is_true(value);
	return 0;
}

int argument_text(const json_t *arguments, const char *name, const char **ret_text,
		  char **reterr_message)
{
	const json_t *value = json_object_get(arguments, name);

	if (value && !json_is_string(value) && !json_is_null(value))
		return argument_refuse(reterr_message, -EINVAL, "%s: not a text", name);
	*ret_text = json_string_value(value);
	return 0;
}

int argument_address(const json_t *arguments, bool *ret_given, struct prefix *ret_prefix,
		     char **reterr_message)
{
	const json_t *value = json_object_get(arguments, "address");

	*ret_given = value && !json_is_null(value);
	return *ret_given ? prefix_read(value, ret_prefix, reterr_message) : 0;
}
