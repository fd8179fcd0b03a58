/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the counts, and a report of them as JSON.
 */
#include "message_counts.h"

void message_counts_read(const struct message_counts *counts, struct message_counts_copy *ret_copy)
{
	for (size_t i = 0; i < MILTER_ACTIONS; i++)
		ret_copy->messages[i] =
			atomic_load_explicit(&counts->messages[i], memory_order_relaxed);
}

json_t *message_counts_report(const struct message_counts *counts,
			      const struct message_counts_copy *copy,
			      const char *exceptions_version)
{
	json_t *messages = json_object();

	for (size_t i = 0; i < MILTER_ACTIONS; i++)
		(void)json_object_set_new(messages, milter_action_name((enum milter_action)i),
					  json_integer((json_int_t)copy->messages[i]));
	return json_pack("{s:s, s:o, s:s}", "instance", counts->instance, "messages", messages,
			 "exceptions_version", exceptions_version);
}
