/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameters, and how long the lists are that listing.c tells.
 */
#include <errno.h>

#include "state.h"
#include "views.h"

/* Takes list. */
static int list_object(const char *name, json_t *list, json_t **ret_object)
{
	*ret_object = json_pack("{s:o}", name, list);
	return *ret_object ? 0 : -ENOMEM;
}

size_t view_exception_count(const struct daemon *daemon)
{
	const struct config_patterns *patterns = &daemon->config->exceptions;
	size_t count = state_exceptions(daemon->state)->count;

	for (size_t i = 0; i < patterns->count; i++)
		count += patterns->items[i].is_prefix;
	return count;
}

size_t view_block_count(const struct daemon *daemon)
{
	const struct rule_set *blocks = state_blocks(daemon->state);

	return blocks->count - rule_set_ended(blocks, wall_now().ms);
}

struct parameters {
	json_t *list;
	bool changed_only;
};

static json_t *origin_json(const struct config_origin *origin)
{
	static const char *const kinds[] = {
		[CONFIG_FROM_DEFAULT] = "default",
		[CONFIG_FROM_FILE] = "file",
		[CONFIG_FROM_MAIN_CF] = "main.cf",
		[CONFIG_FROM_MASTER_CF] = "master.cf",
	};
	json_t *file = origin->file ? json_string(origin->file) : json_null();
	json_t *line = origin->file ? json_integer(origin->line) : json_null();

	return json_pack("{s:s, s:o, s:o}", "kind", kinds[origin->kind], "file", file, "line",
			 line);
}

static int parameter_visit(const struct config_value *value, void *context)
{
	const struct parameters *parameters = context;

	if (parameters->changed_only && !value->changed)
		return 0;
	return json_array_append_new(
		parameters->list, json_pack("{s:s, s:s, s:o}", "name", value->name, "value",
					    value->value, "origin", origin_json(&value->origin)));
}

int view_config(const struct daemon *daemon, bool changed_only, json_t **ret_object)
{
	struct parameters parameters = { .list = json_array(), .changed_only = changed_only };

	if (config_each(daemon->config, parameter_visit, &parameters)) {
		json_decref(parameters.list);
		return -ENOMEM;
	}
	return list_object("parameters", parameters.list, ret_object);
}
