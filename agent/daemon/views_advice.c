/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What several limits would have stopped, and what this program would set.
 */
#include <errno.h>

#include "evidence.h"
#include "settings.h"
#include "views.h"

static const char *basis_name(enum advice_basis basis)
{
	switch (basis) {
	case ADVICE_FROM_DELIVERING:
		return "delivering";
	case ADVICE_FROM_SOURCES:
		return "sources";
	case ADVICE_NONE:
		break;
	}
	return NULL;
}

/* To where a limit would have stopped nobody, and the recommended one in any case. */
static json_t *candidates_json(const struct advice *advice, uint32_t recommended)
{
	json_t *list = json_array();
	uint64_t over = 1;

	for (size_t i = 0; i < advice->edge_count; i++) {
		struct advice_candidate candidate;

		if (!over && advice->edges[i] > recommended)
			break;
		advice_candidate(advice, i, &candidate);
		over = candidate.sources_over;
		(void)json_array_append_new(
			list,
			json_pack("{s:I, s:I, s:I, s:I}", "limit", (json_int_t)candidate.limit,
				  "sources_over", (json_int_t)candidate.sources_over,
				  "attempts_over", (json_int_t)candidate.attempts_over,
				  "delivering_sources_over",
				  (json_int_t)candidate.delivering_sources_over));
	}
	return list;
}

static json_t *advice_json(const struct advice *advice)
{
	struct advice_candidate all;
	enum advice_basis basis;
	const uint32_t recommended = advice_recommend(advice, &basis);
	const char *name = basis_name(basis);

	advice_total(advice, &all);
	return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:o}", "recommended_limit",
			 recommended ? json_integer(recommended) : json_null(), "recommended_from",
			 name ? json_string(name) : json_null(), "sources",
			 (json_int_t)all.sources_over, "delivering_sources",
			 (json_int_t)all.delivering_sources_over, "busiest",
			 (json_int_t)advice->busiest, "busiest_delivering",
			 (json_int_t)advice->busiest_delivering, "candidates",
			 candidates_json(advice, recommended));
}

/* Nothing is counted beyond a limit that is enforced, but for the attempt that exceeded it. */
static json_t *bound_json(const struct config *config, const struct config_service *service)
{
	if (!config->enforce || !service->connection_rate_limit)
		return json_null();
	return json_integer((json_int_t)service->connection_rate_limit);
}

static json_t *service_json(const struct daemon *daemon, const struct config_service *service)
{
	const struct sa_service *row = settings_service(&daemon->settings, service);
	const struct evidence_service *known = row ? evidence_of(daemon->evidence, row->id) : NULL;
	json_t *object;

	/* A service that a reload added, before the first sweep that knows of it. */
	if (!known)
		return NULL;
	object = advice_json(&known->sources);
	if (json_object_set_new(object, "service", json_string(service->label)) ||
	    json_object_set_new(object, "limit",
				json_integer((json_int_t)service->connection_rate_limit)) ||
	    json_object_set_new(object, "bounded_by", bound_json(daemon->config, service)) ||
	    json_object_set_new(object, "ipv6_64",
				daemon->evidence->last_networks_too ? advice_json(&known->networks)
								    : json_null())) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* How long back the busiest windows may lie: to the start of the agent, a day at most. */
static json_int_t period_seconds(const struct daemon *daemon)
{
	const uint64_t up = mono_now().ms - daemon->started.ms;

	return (json_int_t)(up < PEAKS_PERIOD_MS ? up : PEAKS_PERIOD_MS) / 1000;
}

int view_advice(const struct daemon *daemon, json_t **ret_object)
{
	json_t *services = json_array();

	for (size_t i = 0; daemon->evidence && i < daemon->config->service_count; i++) {
		json_t *one = service_json(daemon, &daemon->config->services[i]);

		if (one)
			(void)json_array_append_new(services, one);
	}
	*ret_object = json_pack(
		"{s:I, s:I, s:o}", "period_seconds", period_seconds(daemon), "time_unit_seconds",
		(json_int_t)daemon->settings.rate_unit_ms / 1000, "services", services);
	return *ret_object ? 0 : -ENOMEM;
}
