/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client, as the packet path sees it.
 */
#include "show.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "policy.h"
#include "service_names.h"
#include "settings.h"
#include "state.h"
#include "time_text.h"
#include "top.h"

/* What the tables hold on a client and a service. */
struct known {
	uint32_t attempts;
	uint32_t remaining_ms;
	uint64_t dropped;
	uint32_t last_dropped_s;
	uint32_t places;
	uint32_t connections;
};

/* What a source may hold: its limit, and no more than are free, but one. 0: any number. */
static uint32_t may_hold(const struct show_facts *facts)
{
	uint32_t limit = facts->connection_limit, share = 1;

	if (!facts->process_limit || facts->behind_proxy)
		return limit;
	if (facts->service_connections < facts->process_limit)
		share = facts->process_limit - facts->service_connections;
	return limit && limit < share ? limit : share;
}

enum sa_reason show_predict(const struct show_facts *facts)
{
	const uint32_t most = may_hold(facts);

	if (facts->exempt)
		return SA_REASON_EXEMPT;
	if (facts->blocked)
		return SA_REASON_BLOCKED;
	if (most && (uint64_t)facts->connections + facts->places >= most)
		return SA_REASON_CONCURRENCY;
	if (facts->rate_limit && facts->attempts >= facts->rate_limit)
		return SA_REASON_RATE;
	if (facts->process_limit && facts->service_connections >= facts->process_limit)
		return SA_REASON_PROCESS_LIMIT;
	return facts->rate_limit ? SA_REASON_WITHIN_LIMIT : SA_REASON_UNLIMITED;
}

uint32_t show_places(uint64_t pending, uint64_t now_ms)
{
	const uint32_t newer = pending & SA_PENDING_MAX, older = pending >> 16 & SA_PENDING_MAX;
	const uint32_t passed =
		(SA_PENDING_SLOT(now_ms) - (uint32_t)(pending >> SA_PENDING_SLOT_SHIFT)) &
		SA_PENDING_SLOT_MASK;

	if (passed == 0 || passed == SA_PENDING_SLOT_MASK)
		return newer + older;
	return passed == 1 ? newer : 0;
}

enum outcome_action show_action(enum sa_reason reason, bool enforce)
{
	if (!reason_drops(reason))
		return OUTCOME_PASS;
	return enforce ? OUTCOME_DROP : OUTCOME_WOULD_DROP;
}

/* An entry that is not there leaves zeros. */
static int known_read(const struct daemon *daemon, const struct sa_address *address,
		      uint32_t service, uint64_t now_ms, struct known *ret_known)
{
	struct sa_blocked_source blocked = { 0 };
	struct sa_source source = { 0 };
	struct known known = { 0 };
	struct sa_source_key key;
	int error;

	settings_source_key(&daemon->settings, address, service, &key);
	error = tables_source_read(&daemon->tables, &key, &source);
	if (error && error != -ENOENT)
		return error;
	error = tables_blocked_source_read(&daemon->tables, &key, &blocked);
	if (error && error != -ENOENT)
		return error;
	known.attempts = window_attempts(source.window, now_ms, daemon->settings.rate_unit_ms,
					 &known.remaining_ms);
	known.places = show_places(source.pending, now_ms);
	known.connections = tables_live_of_source(&daemon->tables, &key, daemon->settings.epoch);
	known.dropped = (uint64_t)source.dropped + blocked.dropped;
	known.last_dropped_s = source.last_dropped_s > blocked.last_dropped_s
				       ? source.last_dropped_s
				       : blocked.last_dropped_s;
	*ret_known = known;
	return 0;
}

/* The tables keep monotonic time. */
static json_t *last_dropped_json(const struct known *known, struct mono_ms mono,
				 struct wall_ms wall)
{
	char text[TIME_TEXT_SIZE];

	if (!known->last_dropped_s)
		return json_null();
	time_text(wall.ms - ((int64_t)mono.ms - (int64_t)known->last_dropped_s * 1000), text);
	return json_string(text);
}

/* What is in force, not what is configured: limits of connections need their counts. */
static void service_facts(const struct daemon *daemon, const struct config_service *service,
			  const struct sa_service *row, struct show_facts *facts)
{
	const uint64_t held_ms = tables_live_held(&daemon->tables);

	facts->rate_limit = service->connection_rate_limit;
	if (held_ms != SA_LIVE_ALWAYS)
		facts->places = 0;
	if (!row || mono_now().ms >= held_ms)
		return;
	facts->connection_limit = row->connection_limit;
	facts->process_limit = row->process_limit;
	facts->behind_proxy = row->behind_proxy;
	facts->service_connections =
		tables_live_of_service(&daemon->tables, row->slot, daemon->settings.epoch);
}

static int service_json(const struct daemon *daemon, const struct sa_address *address,
			const struct config_service *service, struct show_facts facts,
			json_t **ret_object)
{
	const struct sa_service *row = settings_service(&daemon->settings, service);
	const struct mono_ms now = mono_now();
	struct policy_view messages;
	struct known known = { 0 };
	enum outcome_action action;
	enum sa_reason reason;
	int error;

	error = row ? known_read(daemon, address, row->id, now.ms, &known) : 0;
	if (error)
		return error;
	facts.attempts = known.attempts;
	facts.connections = known.connections;
	facts.places = known.places;
	service_facts(daemon, service, row, &facts);
	reason = show_predict(&facts);
	action = show_action(reason, daemon->config->enforce);
	policy_look(daemon->policy, address, service, now, &messages);
	*ret_object = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:s, s:s}",
		"service", service->label, "attempts", (json_int_t)known.attempts, "limit",
		(json_int_t)service->connection_rate_limit, "window_remaining_seconds",
		(json_int_t)(known.remaining_ms + 999) / 1000, "dropped", (json_int_t)known.dropped,
		"last_dropped", last_dropped_json(&known, now, wall_now()), "connections",
		(json_int_t)known.connections, "connection_limit",
		(json_int_t)(facts.exempt ? 0 : may_hold(&facts)), "messages",
		(json_int_t)messages.messages, "recipients", (json_int_t)messages.recipients,
		"verdict", outcome_action_name(action), "reason", reason_token(reason),
		"message_limit", (json_int_t)messages.message_limit, "recipient_limit",
		(json_int_t)messages.recipient_limit, "message_verdict",
		policy_action_name(messages.next.action), "message_reason",
		policy_reason_token(messages.next.reason));
	return *ret_object ? 0 : -ENOMEM;
}

int show_json(const struct daemon *daemon, const struct sa_address *address, json_t **ret_object)
{
	const struct config *config = daemon->config;
	struct show_facts facts = { 0 };
	char address_text[PREFIX_TEXT_SIZE], prefix_text[PREFIX_TEXT_SIZE];
	json_t *services = json_array(), *one;
	struct prefix full, source;

	prefix_of(address, 128, &full);
	facts.exempt = state_exempts(daemon->state, &full) || config_exempts(config, address);
	facts.blocked = state_blocks_cover(daemon->state, &full, wall_now().ms);
	for (size_t i = 0; i < config->service_count; i++) {
		const int error = service_json(daemon, address, &config->services[i], facts, &one);

		if (error) {
			json_decref(services);
			return error;
		}
		(void)json_array_append_new(services, one);
	}
	address_format(address, address_text);
	source_prefix(config, address, &source);
	prefix_format(&source, prefix_text);
	*ret_object = json_pack("{s:s, s:s, s:b, s:b, s:o}", "address", address_text, "prefix",
				prefix_text, "exempt", facts.exempt, "blocked", facts.blocked,
				"services", services);
	return *ret_object ? 0 : -ENOMEM;
}
