/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Status and the topmost sources.
 */
#include "views.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "connections_sync.h"
#include "outcomes.h"
#include "service_names.h"
#include "settings.h"
#include "state.h"
#include "stats.h"
#include "sweep.h"

static json_t *string_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static int object_or_error(json_t *object, json_t **ret_object)
{
	*ret_object = object;
	return object ? 0 : -ENOMEM;
}

static json_t *interfaces_json(const struct interfaces *interfaces)
{
	json_t *list = json_array();

	for (size_t i = 0; i < interfaces->count; i++) {
		const struct interface *interface = &interfaces->items[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:o, s:b}", "name", interface->name, "mode",
					string_or_null(interface_mode_name(interface->mode)),
					"attached", interface_attached(interface)));
	}
	return list;
}

static uint32_t service_connections(const struct daemon *daemon,
				    const struct config_service *service)
{
	const struct sa_service *row = settings_service(&daemon->settings, service);

	return row ? tables_live_of_service(&daemon->tables, row->slot, daemon->settings.epoch) : 0;
}

static json_t *services_json(const struct daemon *daemon)
{
	const struct config *config = daemon->config;
	json_t *list = json_array();

	for (size_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "service", service->label,
				  "connections", (json_int_t)service_connections(daemon, service),
				  "process_limit", (json_int_t)service->process_limit,
				  "connection_count_limit",
				  (json_int_t)service->connection_count_limit,
				  "connection_rate_limit",
				  (json_int_t)service->connection_rate_limit, "behind_proxy",
				  service->behind_proxy));
	}
	return list;
}

/* The files in force, and which of them the disk has otherwise now. */
static json_t *configuration_json(const struct config *config)
{
	json_t *files = json_array();
	bool any = false;

	for (size_t i = 0; i < config->file_count; i++) {
		const struct config_file *file = &config->files[i];
		const bool stale = config_file_is_stale(file, config_identify_file, NULL);

		any = any || stale;
		(void)json_array_append_new(
			files, json_pack("{s:s, s:b}", "file", file->path, "stale", stale));
	}
	return json_pack("{s:b, s:o}", "stale", any, "files", files);
}

static json_t *packets_json(const struct stats *stats, const struct sa_settings *settings)
{
	json_t *actions = json_object();
	struct outcome outcomes[OUTCOMES_MAX];
	const size_t count = outcomes_list(outcomes);

	for (enum outcome_action action = 0; action < OUTCOME_ACTIONS; action++) {
		json_t *reasons = json_object();

		for (size_t i = 0; i < count; i++) {
			const uint64_t packets = stats_sum(stats, settings, outcomes[i].cell);

			if (outcomes[i].action == action)
				(void)json_object_set_new(reasons, reason_token(outcomes[i].reason),
							  json_integer((json_int_t)packets));
		}
		(void)json_object_set_new(actions, outcome_action_name(action), reasons);
	}
	return actions;
}

/* Null before the first sweep is complete. */
static json_t *age_json(const struct sweep_result *result)
{
	if (!result)
		return json_null();
	return json_integer((json_int_t)(mono_now().ms - result->completed.ms) / 1000);
}

static json_t *sources_json(const struct daemon *daemon)
{
	const struct sweep_result *result = sweep_last(daemon->sweep);

	return json_pack("{s:I, s:I, s:o}", "tracked", (json_int_t)(result ? result->sources : 0),
			 "capacity", (json_int_t)daemon->tables.source_capacity, "age_seconds",
			 age_json(result));
}

/* What the milter has reported, and how long ago it last did; null: not since the agent's start. */
static json_t *milter_json(const struct milter_totals *totals)
{
	json_t *age =
		totals->reported.ms == 0
			? json_null()
			: json_integer((json_int_t)(mono_now().ms - totals->reported.ms) / 1000);

	return json_pack("{s:o, s:o}", "messages", milter_messages_json(totals->messages),
			 "report_age_seconds", age);
}

int view_status(const struct daemon *daemon, json_t **ret_object)
{
	_cleanup_free_ struct stats *stats = NULL;
	const int error = stats_read(&daemon->tables, &stats);

	if (error)
		return error;
	return object_or_error(
		json_pack("{s:s, s:s, s:I, s:o, s:o, s:s, s:o, s:o, s:I, s:I, s:o, s:o}", "version",
			  SYNANVIL_VERSION, "enforcement",
			  daemon->config->enforce ? "enforce" : "monitor", "uptime_seconds",
			  (json_int_t)(mono_now().ms - daemon->started.ms) / 1000, "interfaces",
			  interfaces_json(&daemon->interfaces), "services", services_json(daemon),
			  "connections_source",
			  connections_source_name(connections_sync_source(daemon->connections)),
			  "sources", sources_json(daemon), "syn_packets",
			  packets_json(stats, &daemon->settings), "exceptions",
			  (json_int_t)view_exception_count(daemon), "blocks",
			  (json_int_t)view_block_count(daemon), "configuration",
			  configuration_json(daemon->config), "milter",
			  milter_json(&daemon->milter_totals)),
		ret_object);
}

/*
 * The orders come from different tables: what a sweep did not see of a source is read now, and its
 * connections always are. A source that the table has forgotten has no attempts.
 */
static void top_source_complete(const struct daemon *daemon, enum top_order order,
				struct top_source *source)
{
	struct sa_source entry;
	uint32_t remaining;

	if (order != TOP_CONNECTIONS) {
		source->connections = tables_live_of_source(&daemon->tables, &source->key,
							    daemon->settings.epoch);
		return;
	}
	if (tables_source_read(&daemon->tables, &source->key, &entry))
		return;
	source->attempts = window_attempts(entry.window, mono_now().ms,
					   daemon->settings.rate_unit_ms, &remaining);
	source->dropped = entry.dropped;
}

static json_t *top_source_json(const struct daemon *daemon, const struct top_source *source)
{
	const struct config_service *service =
		settings_service_by_id(&daemon->settings, daemon->config, source->key.service);
	struct sa_address address;
	char text[PREFIX_TEXT_SIZE];
	struct prefix prefix;

	if (!service)
		return NULL;
	memcpy(&address, source->key.address, sizeof(address));
	source_prefix(daemon->config, &address, &prefix);
	prefix_format(&prefix, text);
	return json_pack("{s:s, s:s, s:I, s:I, s:I}", "prefix", text, "service", service->label,
			 "attempts", (json_int_t)source->attempts, "dropped",
			 (json_int_t)source->dropped, "connections",
			 (json_int_t)source->connections);
}

int view_top(const struct daemon *daemon, size_t count, enum top_order order, json_t **ret_object)
{
	const struct sweep_result *result = sweep_last(daemon->sweep);
	json_t *list = json_array();

	for (size_t i = 0; result && i < result->tops[order].count; i++) {
		struct top_source source = result->tops[order].items[i];
		json_t *one;

		if (json_array_size(list) >= count)
			break;
		top_source_complete(daemon, order, &source);
		one = top_source_json(daemon, &source);
		/* A reload may have removed the service since the sweep. */
		if (one)
			(void)json_array_append_new(list, one);
	}
	return object_or_error(
		json_pack("{s:o, s:o}", "age_seconds", age_json(result), "sources", list),
		ret_object);
}
