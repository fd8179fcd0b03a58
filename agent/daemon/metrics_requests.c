/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests by state, connections, what was wrong with some of them, and how long answers took.
 */
#include "metrics_requests.h"

#include <inttypes.h>

#include "metrics_family.h"

static void durations(FILE *page, const struct histogram *histogram)
{
	static const char name[] = "synanvil_policy_request_duration_seconds";
	uint64_t count = 0;

	metrics_family(page, name, "histogram",
		       "Time from reading a policy request to having written its answer.");
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += histogram->counts[i];
		(void)fprintf(page, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
			      histogram_bounds_text[i], count);
	}
	count += histogram->counts[HISTOGRAM_BUCKETS];
	(void)fprintf(page, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
	(void)fprintf(page, "%s_sum %.9f\n", name, (double)histogram->sum_ns / 1e9);
	(void)fprintf(page, "%s_count %" PRIu64 "\n", name, count);
}

void metrics_requests(FILE *page, const struct policy_server_stats *stats)
{
	metrics_family(page, "synanvil_policy_requests_total", "counter",
		       "Policy requests, by protocol_state.");
	for (enum policy_state state = 0; state < POLICY_STATES; state++)
		(void)fprintf(page, "synanvil_policy_requests_total{state=\"%s\"} %" PRIu64 "\n",
			      policy_state_name(state), stats->requests[state]);
	durations(page, &stats->durations);
	metrics_single(page, "synanvil_policy_sessions", "gauge",
		       "Connections to the policy service.", stats->sessions);
	metrics_family(page, "synanvil_policy_errors_total", "counter",
		       "Connections to the policy service that had to be closed, by reason.");
	for (enum policy_fault fault = POLICY_FAULT_NONE + 1; fault < POLICY_FAULTS; fault++)
		(void)fprintf(page, "synanvil_policy_errors_total{reason=\"%s\"} %" PRIu64 "\n",
			      policy_fault_token(fault), stats->errors[fault]);
}
