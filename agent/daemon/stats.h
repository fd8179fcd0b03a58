/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One snapshot of the packet path's counters, and sums over it. All but stats_read is pure.
 */
#ifndef AGENT_STATS_H
#define AGENT_STATS_H

#include "outcomes.h"
#include "tables.h"

struct stats {
	struct sa_counters rows[SA_COUNTER_ROWS];
	struct sa_totals totals;
};

/* *ret_stats is the caller's to free: it is too large for the stack. */
int stats_read(const struct tables *tables, struct stats **ret_stats);

uint64_t stats_packets(const struct stats *stats, uint32_t interface_slot, uint32_t service_slot,
		       int family, unsigned cell);

/* Over both families, the present services, and all interface slots: those without a name included.
 */
uint64_t stats_sum(const struct stats *stats, const struct sa_settings *settings, unsigned cell);

/* Whether packets came in on interfaces that the settings do not name. */
bool stats_unnamed(const struct stats *stats, const struct sa_settings *settings);

#endif
