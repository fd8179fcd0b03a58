/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decisions about messages, and the room in the queue that some of them follow from.
 */
#include "metrics_policy.h"

#include <inttypes.h>

#include "metrics_family.h"

static void decisions(FILE *page, const struct policy_stats *stats)
{
	metrics_family(page, "synanvil_policy_decisions_total", "counter",
		       "Answers to policy requests, by what was decided and why.");
	for (enum policy_action action = 0; action < POLICY_ACTIONS; action++)
		for (enum policy_reason reason = 0; reason < POLICY_REASONS; reason++)
			if (policy_pair_occurs(action, reason))
				(void)fprintf(page,
					      "synanvil_policy_decisions_total{action=\"%s\","
					      "reason=\"%s\"} %" PRIu64 "\n",
					      policy_action_name(action),
					      policy_reason_token(reason),
					      stats->decisions[action][reason]);
}

static void queue(FILE *page, const struct policy_stats *stats)
{
	metrics_single(page, "synanvil_queue_free_bytes", "gauge",
		       "Free space in the file system of the mail queue.", stats->queue_free_bytes);
	metrics_single(page, "synanvil_queue_required_bytes", "gauge",
		       "The least free space with which mail is accepted.",
		       stats->queue_required_bytes);
	metrics_single(page, "synanvil_queue_unreadable", "gauge",
		       "Whether the free space of the mail queue cannot be read.",
		       stats->queue_unreadable);
}

void metrics_policy(FILE *page, const struct policy_stats *stats)
{
	decisions(page, stats);
	queue(page, stats);
}
