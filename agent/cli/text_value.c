/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of a reply as text, for the text output.
 */
#include "text_value.h"

#include <string.h>

#include "synanvil/reasons.h"
#include "text_form.h"

static const char nothing[] = "-";

/* Seconds; what is more than a million years is no duration that an agent reports. */
#define DURATION_MAX 1e14

const char *value_age(const json_t *object, const char *key, char text[static VALUE_TEXT_SIZE])
{
	char duration[VALUE_TEXT_SIZE];
	const char *known = value_duration(object, key, NULL, duration);

	if (!known)
		return "not counted yet";
	(void)snprintf(text, VALUE_TEXT_SIZE, "counted %.25s ago", known);
	return text;
}

const char *value_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : nothing;
}

const char *value_number(const json_t *object, const char *key, char text[static VALUE_TEXT_SIZE])
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		return nothing;
	(void)snprintf(text, VALUE_TEXT_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return text;
}

const char *value_limit(const json_t *object, const char *key, char text[static VALUE_TEXT_SIZE])
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value) && json_integer_value(value) == 0)
		return "none";
	return value_number(object, key, text);
}

const char *value_duration(const json_t *object, const char *key, const char *otherwise,
			   char text[static VALUE_TEXT_SIZE])
{
	const json_t *value = json_object_get(object, key);
	double seconds = json_number_value(value);

	if (!json_is_number(value) || seconds > DURATION_MAX || seconds < -DURATION_MAX)
		return otherwise;
	duration_format((int64_t)seconds, text);
	return text;
}

const char *value_time(const json_t *object, const char *key, char text[static VALUE_TEXT_SIZE])
{
	const char *time = value_string(object, key);

	return time_format_local(time, text) ? text : time;
}

const char *value_yes_no(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_boolean(value))
		return nothing;
	return json_is_true(value) ? "yes" : "no";
}

json_int_t value_integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *reason_sentence(const char *token)
{
	static const struct {
		const char *token;
		const char *sentence;
	} reasons[] = {
#define REASON(number, name, token, effect, sentence) [number] = { #token, sentence },
#include "synanvil/reasons.def"
#undef REASON
#define POLICY_REASON(name, token, sentence) { #token, sentence },
#include "policy_reasons.def"
#undef POLICY_REASON
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].token && strcmp(reasons[i].token, token) == 0)
			return reasons[i].sentence;
	return token;
}
