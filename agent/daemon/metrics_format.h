/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prometheus' text exposition of everything that is counted. Pure: a function of what was read
 * before.
 */
#ifndef AGENT_METRICS_FORMAT_H
#define AGENT_METRICS_FORMAT_H

#include <stdbool.h>

#include "config.h"
#include "connections_source.h"
#include "interfaces.h"
#include "policy.h"
#include "policy_server.h"
#include "process_stats.h"
#include "stats.h"

struct metrics_input {
	const struct config *config;
	const struct sa_settings *settings;
	const struct interfaces *interfaces;
	const struct stats *stats;
	struct process_stats process;
	uint64_t sources;
	uint64_t sources_capacity;
	uint64_t exceptions;
	uint64_t blocks;
	struct policy_stats policy;
	const struct policy_server_stats *requests;
	uint32_t connections[SA_SERVICE_SLOTS]; /* live, by the service's slot */
	uint64_t connections_drift;
	uint64_t connections_uncounted;
	enum connections_source connections_source;
	const uint64_t *milter_messages; /* by milter_action */
	bool config_stale;
	bool reload_ok;
	int64_t reload_succeeded_ms; /* wall clock */
};

/* *ret_text is the caller's to free. 0 or -ENOMEM. */
int metrics_format(const struct metrics_input *input, char **ret_text, size_t *ret_size);

#endif
