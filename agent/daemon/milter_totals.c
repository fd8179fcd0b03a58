/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sums, and their form as JSON.
 */
#include "milter_totals.h"

#include <errno.h>
#include <string.h>

#include "control_arguments.h"

static bool name_valid(const char *name)
{
	return name && strlen(name) == MILTER_INSTANCE_DIGITS &&
	       strspn(name, "0123456789abcdef") == MILTER_INSTANCE_DIGITS;
}

/* Every action with a number that is not negative. */
static int messages_parse(const json_t *object, uint64_t ret_messages[static MILTER_ACTIONS])
{
	uint64_t messages[MILTER_ACTIONS];

	for (size_t i = 0; i < MILTER_ACTIONS; i++) {
		const json_t *number =
			json_object_get(object, milter_action_name((enum milter_action)i));

		if (!json_is_integer(number) || json_integer_value(number) < 0)
			return -EINVAL;
		messages[i] = (uint64_t)json_integer_value(number);
	}
	memcpy(ret_messages, messages, sizeof(messages));
	return 0;
}

json_t *milter_messages_json(const uint64_t messages[static MILTER_ACTIONS])
{
	json_t *object = json_object();

	for (size_t i = 0; i < MILTER_ACTIONS; i++)
		(void)json_object_set_new(object, milter_action_name((enum milter_action)i),
					  json_integer((json_int_t)messages[i]));
	return object;
}

/* The instance, moved to the front; a new one has counted nothing. */
static struct milter_instance *instance_of(struct milter_totals *totals, const char *name)
{
	struct milter_instance found = { .messages = { 0 } };
	size_t at = 0;

	memcpy(found.name, name, MILTER_INSTANCE_DIGITS);
	while (at < totals->count && strcmp(totals->instances[at].name, name) != 0)
		at++;
	if (at < totals->count)
		found = totals->instances[at];
	else if (totals->count < MILTER_INSTANCES)
		totals->count++;
	else
		at = MILTER_INSTANCES - 1;
	memmove(&totals->instances[1], &totals->instances[0], at * sizeof(totals->instances[0]));
	totals->instances[0] = found;
	return &totals->instances[0];
}

int milter_totals_add(struct milter_totals *totals, const json_t *arguments, bool *ret_changed,
		      char **reterr_message)
{
	const char *name = json_string_value(json_object_get(arguments, "instance"));
	uint64_t messages[MILTER_ACTIONS];
	struct milter_instance *instance;

	if (!name_valid(name) || messages_parse(json_object_get(arguments, "messages"), messages))
		return argument_refuse(reterr_message, -EINVAL,
				       "milter report: no instance, or not all of its counts");
	instance = instance_of(totals, name);
	*ret_changed = false;
	for (size_t i = 0; i < MILTER_ACTIONS; i++) {
		/* Smaller: an older report that was overtaken. */
		if (messages[i] <= instance->messages[i])
			continue;
		totals->messages[i] += messages[i] - instance->messages[i];
		instance->messages[i] = messages[i];
		*ret_changed = true;
	}
	return 0;
}

json_t *milter_totals_json(const struct milter_totals *totals)
{
	json_t *instances = json_array();

	for (size_t i = 0; i < totals->count; i++)
		(void)json_array_append_new(
			instances,
			json_pack("{s:s, s:o}", "instance", totals->instances[i].name, "messages",
				  milter_messages_json(totals->instances[i].messages)));
	return json_pack("{s:i, s:o, s:o}", "version", 1, "messages",
			 milter_messages_json(totals->messages), "instances", instances);
}

int milter_totals_parse(const json_t *object, struct milter_totals *ret_totals)
{
	const json_t *instances = json_object_get(object, "instances");
	struct milter_totals totals = { .count = json_array_size(instances) };

	if (json_integer_value(json_object_get(object, "version")) != 1 ||
	    !json_is_array(instances) || totals.count > MILTER_INSTANCES ||
	    messages_parse(json_object_get(object, "messages"), totals.messages))
		return -EINVAL;
	for (size_t i = 0; i < totals.count; i++) {
		const json_t *one = json_array_get(instances, i);
		const char *name = json_string_value(json_object_get(one, "instance"));

		if (!name_valid(name) ||
		    messages_parse(json_object_get(one, "messages"), totals.instances[i].messages))
			return -EINVAL;
		memcpy(totals.instances[i].name, name, MILTER_INSTANCE_DIGITS);
	}
	*ret_totals = totals;
	return 0;
}
