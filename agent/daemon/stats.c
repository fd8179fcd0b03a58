/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of the counters.
 */
#include "stats.h"

#include <errno.h>

#include "cleanup.h"

int stats_read(const struct tables *tables, struct stats **ret_stats)
{
	_cleanup_free_ struct stats *stats = calloc(1, sizeof(*stats));
	int error;

	if (!stats)
		return -ENOMEM;
	error = tables_counters_read(tables, stats->rows);
	if (!error)
		error = tables_totals_read(tables, &stats->totals);
	if (!error)
		*ret_stats = TAKE_PTR(stats);
	return error;
}

uint64_t stats_packets(const struct stats *stats, uint32_t interface_slot, uint32_t service_slot,
		       int family, unsigned cell)
{
	return stats->rows[SA_COUNTER_ROW(interface_slot, service_slot, (unsigned)family)]
		.packets[cell];
}

static uint64_t interface_sum(const struct stats *stats, const struct sa_settings *settings,
			      uint32_t interface_slot, unsigned cell)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < settings->service_count; i++)
		for (int family = 0; family < SA_FAMILIES; family++)
			sum += stats_packets(stats, interface_slot, settings->services[i].slot,
					     family, cell);
	return sum;
}

static bool slot_present(const struct sa_settings *settings, uint32_t slot)
{
	return slot == 0 || settings->interfaces[slot].name[0];
}

uint64_t stats_sum(const struct stats *stats, const struct sa_settings *settings, unsigned cell)
{
	uint64_t sum = 0;

	for (uint32_t slot = 0; slot < SA_INTERFACE_SLOTS; slot++)
		if (slot_present(settings, slot))
			sum += interface_sum(stats, settings, slot, cell);
	return sum;
}

bool stats_unnamed(const struct stats *stats, const struct sa_settings *settings)
{
	if (stats->totals.unparsed[0])
		return true;
	for (unsigned cell = 0; cell < SA_OUTCOMES; cell++)
		if (interface_sum(stats, settings, 0, cell))
			return true;
	return false;
}
