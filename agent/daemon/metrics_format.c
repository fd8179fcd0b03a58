/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metrics page, family by family. All label sets that are known stand there from the start,
 * with 0.
 */
#include "metrics_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics_family.h"
#include "metrics_policy.h"
#include "metrics_requests.h"
#include "milter_report.h"
#include "settings.h"

/* Every byte of a name may need a backslash. */
#define LABEL_SIZE(bytes) (2UL * (bytes))

/* An interface may be called anything but a path. */
static void label_escape(const char *text, char *label, size_t size)
{
	size_t used = 0;

	for (; *text && used + 2 < size; text++) {
		if (*text == '\\' || *text == '"')
			label[used++] = '\\';
		label[used++] = *text;
	}
	label[used] = '\0';
}

/* The slots that have series; slot 0 only once something was counted there. */
static bool slot_shown(const struct metrics_input *input, uint32_t slot)
{
	if (slot == 0)
		return stats_unnamed(input->stats, input->settings);
	return input->settings->interfaces[slot].name[0] != '\0';
}

static void slot_label(const struct metrics_input *input, uint32_t slot,
		       char label[static LABEL_SIZE(SA_INTERFACE_NAME_SIZE)])
{
	label_escape(input->settings->interfaces[slot].name, label,
		     LABEL_SIZE(SA_INTERFACE_NAME_SIZE));
}

static void service_samples(FILE *page, const struct metrics_input *input, uint32_t slot,
			    const char *interface, const struct config_service *service)
{
	static const char *const families[SA_FAMILIES] = {
		[SA_FAMILY_IPV4] = "ipv4",
		[SA_FAMILY_IPV6] = "ipv6",
	};
	const struct sa_service *row = settings_service(input->settings, service);
	struct outcome outcomes[OUTCOMES_MAX];
	const size_t count = outcomes_list(outcomes);

	if (!row)
		return;
	for (int f = 0; f < SA_FAMILIES; f++)
		for (size_t i = 0; i < count; i++)
			(void)fprintf(
				page,
				"synanvil_syn_packets_total{interface=\"%s\",service=\"%s\","
				"family=\"%s\",action=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
				interface, service->label, families[f],
				outcome_action_name(outcomes[i].action),
				reason_token(outcomes[i].reason),
				stats_packets(input->stats, slot, row->slot, f, outcomes[i].cell));
}

static void syn_packets(FILE *page, const struct metrics_input *input)
{
	char label[LABEL_SIZE(SA_INTERFACE_NAME_SIZE)];

	metrics_family(
		page, "synanvil_syn_packets_total", "counter",
		"Connection attempts (SYN packets) to protected ports, by what became of them.");
	for (uint32_t slot = 0; slot < SA_INTERFACE_SLOTS; slot++) {
		if (!slot_shown(input, slot))
			continue;
		slot_label(input, slot, label);
		for (size_t i = 0; i < input->config->service_count; i++)
			service_samples(page, input, slot, label, &input->config->services[i]);
	}
}

static void unparsed(FILE *page, const struct metrics_input *input)
{
	char label[LABEL_SIZE(SA_INTERFACE_NAME_SIZE)];

	metrics_family(page, "synanvil_unparsed_packets_total", "counter",
		       "Packets that could not be understood, and passed.");
	for (uint32_t slot = 0; slot < SA_INTERFACE_SLOTS; slot++) {
		if (!slot_shown(input, slot))
			continue;
		slot_label(input, slot, label);
		(void)fprintf(page,
			      "synanvil_unparsed_packets_total{interface=\"%s\"} %" PRIu64 "\n",
			      label, (uint64_t)input->stats->totals.unparsed[slot]);
	}
}

static void attached(FILE *page, const struct metrics_input *input)
{
	static const enum interface_mode modes[] = { INTERFACE_NATIVE, INTERFACE_GENERIC };
	char label[LABEL_SIZE(SA_INTERFACE_NAME_SIZE)];

	metrics_family(page, "synanvil_interface_attached", "gauge",
		       "Whether the limiter is attached to the interface in this mode.");
	for (size_t i = 0; i < input->interfaces->count; i++) {
		const struct interface *interface = &input->interfaces->items[i];

		label_escape(interface->name, label, sizeof(label));
		for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++)
			(void)fprintf(
				page,
				"synanvil_interface_attached{interface=\"%s\",mode=\"%s\"} %d\n",
				label, interface_mode_name(modes[m]), interface->mode == modes[m]);
	}
}

static void tables(FILE *page, const struct metrics_input *input)
{
	metrics_single(page, "synanvil_sources", "gauge",
		       "Sources in the source table, as last counted.", input->sources);
	metrics_single(page, "synanvil_sources_capacity", "gauge",
		       "Sources that the source table can hold.", input->sources_capacity);
	metrics_single(page, "synanvil_source_inserts_total", "counter",
		       "Sources that were entered in the source table.",
		       input->stats->totals.source_inserts);
	metrics_single(page, "synanvil_exceptions", "gauge", "Patterns in the lists of exceptions.",
		       input->exceptions);
	metrics_single(page, "synanvil_blocks", "gauge", "Blocks in force.", input->blocks);
	metrics_single(page, "synanvil_events_lost_total", "counter",
		       "Events that were not reported one by one.",
		       input->stats->totals.events_lost);
}

static void connections(FILE *page, const struct metrics_input *input)
{
	metrics_family(page, "synanvil_connections", "gauge", "Live connections of the service.");
	for (size_t i = 0; i < input->config->service_count; i++) {
		const struct config_service *service = &input->config->services[i];
		const struct sa_service *row = settings_service(input->settings, service);

		if (row)
			(void)fprintf(page, "synanvil_connections{service=\"%s\"} %" PRIu32 "\n",
				      service->label,
				      input->connections[row->slot % SA_SERVICE_SLOTS]);
	}
	metrics_single(page, "synanvil_connections_drift_total", "counter",
		       "Live connections that were counted wrongly, and corrected.",
		       input->connections_drift);
	metrics_single(page, "synanvil_connections_uncounted_total", "counter",
		       "Live connections that the tables had no room for.",
		       input->connections_uncounted);
	metrics_family(page, "synanvil_connections_source", "gauge",
		       "Who counts live connections.");
	for (int source = 0; source < CONNECTIONS_SOURCES; source++)
		(void)fprintf(page, "synanvil_connections_source{source=\"%s\"} %d\n",
			      connections_source_name((enum connections_source)source),
			      (int)input->connections_source == source);
}

static void milter(FILE *page, const struct metrics_input *input)
{
	metrics_family(page, "synanvil_milter_messages_total", "counter",
		       "Messages that the milter was shown, by what became of their header.");
	for (size_t i = 0; i < MILTER_ACTIONS; i++)
		(void)fprintf(page, "synanvil_milter_messages_total{action=\"%s\"} %" PRIu64 "\n",
			      milter_action_name((enum milter_action)i), input->milter_messages[i]);
}

static void configuration(FILE *page, const struct metrics_input *input)
{
	metrics_single(page, "synanvil_enforcing", "gauge",
		       "Whether limits are enforced; 0 in monitor mode, which drops nothing.",
		       input->config->enforce);
	metrics_single_real(page, "synanvil_rate_time_unit_seconds", "gauge",
			    "anvil_rate_time_unit, the time unit of all rates.",
			    (double)input->settings->rate_unit_ms / 1000);
	metrics_single(page, "synanvil_config_stale", "gauge",
		       "Whether a file of the configuration has changed since it came into force.",
		       input->config_stale);
	metrics_single(page, "synanvil_config_last_reload_successful", "gauge",
		       "Whether the last reload (or the start) put its configuration in force.",
		       input->reload_ok);
	metrics_single_real(page, "synanvil_config_last_reload_success_timestamp_seconds", "gauge",
			    "When a configuration last came into force, in seconds since 1970.",
			    (double)input->reload_succeeded_ms / 1000);
	metrics_family(page, "synanvil_build_info", "gauge",
		       "Always 1; the labels tell what runs.");
	(void)fprintf(page, "synanvil_build_info{version=\"%s\"} 1\n", SYNANVIL_VERSION);
}

static void process(FILE *page, const struct process_stats *stats)
{
	metrics_single_real(page, "process_cpu_seconds_total", "counter",
			    "Total user and system CPU time spent in seconds.", stats->cpu_seconds);
	metrics_single(page, "process_open_fds", "gauge", "Number of open file descriptors.",
		       stats->open_fds);
	metrics_family(page, "process_max_fds", "gauge",
		       "Maximum number of open file descriptors.");
	if (stats->max_fds == UINT64_MAX)
		(void)fputs("process_max_fds +Inf\n", page);
	else
		(void)fprintf(page, "process_max_fds %" PRIu64 "\n", stats->max_fds);
	metrics_single(page, "process_virtual_memory_bytes", "gauge",
		       "Virtual memory size in bytes.", stats->virtual_bytes);
	metrics_single(page, "process_resident_memory_bytes", "gauge",
		       "Resident memory size in bytes.", stats->resident_bytes);
	metrics_single_real(page, "process_start_time_seconds", "gauge",
			    "Start time of the process since unix epoch in seconds.",
			    stats->start_time_seconds);
}

int metrics_format(const struct metrics_input *input, char **ret_text, size_t *ret_size)
{
	char *text = NULL;
	size_t size = 0;
	FILE *page = open_memstream(&text, &size);
	int failed;

	if (!page)
		return -ENOMEM;
	syn_packets(page, input);
	unparsed(page, input);
	attached(page, input);
	tables(page, input);
	metrics_requests(page, input->requests);
	metrics_policy(page, &input->policy);
	connections(page, input);
	milter(page, input);
	configuration(page, input);
	process(page, &input->process);
	failed = ferror(page);
	failed |= fclose(page);
	if (failed) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	*ret_size = size;
	return 0;
}
