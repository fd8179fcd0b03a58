/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every parameter: name, default, bounds, unit. Order and names are those of synanvil.cf(5).
 */
#include "config_table.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "config.h"

#define NAME(text, type, default)    .name = (text), .kind = (type), .preset = (default)
#define POSTFIX(text, type, default) NAME(text, type, default), .in_postfix = true
#define RANGE(least, most, what)     .min = (least), .max = (most), .unit = (what)
#define STORED(member) \
	.offset = offsetof(struct config, member), .size = sizeof(((struct config *)NULL)->member)
#define SERVICE(member)                                                         \
	.per_service = true, .offset = offsetof(struct config_service, member), \
	.size = sizeof(((struct config_service *)NULL)->member)

/* As in Postfix, a negative limit is no limit. */
#define LIMIT(name) NAME(name, CONFIG_NUMBER, "0"), .min = INT_MIN, .max = INT_MAX

/* The packet path keeps the unit as 32 bits of milliseconds. */
#define TIME_UNIT_MAX ((long)(UINT32_MAX / 1000))

static const char *const enforcements[] = { "monitor", "enforce", NULL };
static const char *const xdp_modes[] = { "auto", "native", "generic", NULL };
static const char *const header_actions[] = { "truncate", "reject", NULL };

_Static_assert(CONFIG_XDP_AUTO == 0 && CONFIG_XDP_NATIVE == 1 && CONFIG_XDP_GENERIC == 2,
	       "order of xdp_modes");

const struct config_parameter config_parameters[] = {
	{ NAME("interfaces", CONFIG_INTERFACES, "") },
	{ NAME("protected_ports", CONFIG_SERVICES, "25") },
	{ NAME("enforcement", CONFIG_CHOICE, "enforce"), .choices = enforcements, STORED(enforce) },
	{ NAME("xdp_mode", CONFIG_CHOICE, "auto"), .choices = xdp_modes, .at_start = true,
	  STORED(xdp_mode) },
	{ NAME("source_table_size", CONFIG_NUMBER, "1048576"),
	  RANGE(SA_SOURCE_TABLE_MIN, SA_SOURCE_TABLE_MAX, "entries"), .at_start = true,
	  STORED(source_table_size) },
	{ NAME("postfix_config_directory", CONFIG_PATHS, "") },
	{ LIMIT("smtpd_client_connection_rate_limit"), .in_postfix = true, .unit = "attempts",
	  .no_limit_above = SA_RATE_LIMIT_MAX, SERVICE(connection_rate_limit) },
	{ LIMIT("smtpd_client_connection_count_limit"), .in_postfix = true, .unit = "connections",
	  SERVICE(connection_count_limit) },
	{ POSTFIX("anvil_rate_time_unit", CONFIG_TIME, "60s"), RANGE(1, TIME_UNIT_MAX, "seconds"),
	  STORED(rate_time_unit_s) },
	{ POSTFIX("smtpd_client_event_limit_exceptions", CONFIG_ADDRESSES, "$mynetworks") },
	{ POSTFIX("mynetworks", CONFIG_ADDRESSES, "127.0.0.0/8, [::1]/128") },
	{ NAME("upstream_proxies", CONFIG_PROXIES, "") },
	{ POSTFIX("smtpd_client_ipv4_prefix_length", CONFIG_NUMBER, "32"), RANGE(0, 32, "bits"),
	  STORED(ipv4_prefix_length) },
	{ POSTFIX("smtpd_client_ipv6_prefix_length", CONFIG_NUMBER, "84"), RANGE(0, 128, "bits"),
	  STORED(ipv6_prefix_length) },
	{ POSTFIX("default_process_limit", CONFIG_NUMBER, "0"), RANGE(0, INT_MAX, "connections"),
	  SERVICE(process_limit) },
	{ LIMIT("smtpd_client_message_rate_limit"), .in_postfix = true, .unit = "messages",
	  SERVICE(message_rate_limit) },
	{ LIMIT("smtpd_client_recipient_rate_limit"), .in_postfix = true, .unit = "recipients",
	  SERVICE(recipient_rate_limit) },
	{ POSTFIX("message_size_limit", CONFIG_NUMBER, "10240000"),
	  RANGE(LONG_MIN, LONG_MAX, "bytes"), STORED(message_size_limit) },
	{ POSTFIX("queue_minfree", CONFIG_NUMBER, "0"), RANGE(0, LONG_MAX, "bytes"),
	  STORED(queue_minfree) },
	{ POSTFIX("queue_directory", CONFIG_PATH, "/var/spool/postfix"), STORED(queue_directory) },
	{ POSTFIX("header_size_limit", CONFIG_NUMBER, "102400"), RANGE(1, INT_MAX, "bytes"),
	  STORED(header_size_limit) },
	{ NAME("header_size_action", CONFIG_CHOICE, "truncate"), .choices = header_actions,
	  STORED(header_rejects) },
	{ LIMIT("header_count_limit"), .unit = "header fields", STORED(header_count_limit) },
	{ LIMIT("header_total_size_limit"), .unit = "bytes", STORED(header_total_size_limit) },
	{ LIMIT("client_block_threshold"), .unit = "messages", STORED(client_block_threshold) },
	{ NAME("client_block_time", CONFIG_TIME, "10m"), RANGE(1, INT_MAX, "minutes"),
	  STORED(client_block_time_s) },
	{ NAME("policy_listen", CONFIG_ENDPOINTS, "inet:127.0.0.1:10725"), STORED(policy_listen) },
	{ NAME("milter_listen", CONFIG_ENDPOINTS, "inet:127.0.0.1:10726"), STORED(milter_listen) },
	{ NAME("metrics_listen", CONFIG_ENDPOINT, "127.0.0.1:9925"), STORED(metrics_listen) },
	{ NAME("control_socket", CONFIG_SOCKET, "/run/synanvil/control.sock"),
	  STORED(control_socket) },
	{ NAME("control_group", CONFIG_NAME, "root"), STORED(control_group) },
	{ NAME("bpf_directory", CONFIG_PATH, "/sys/fs/bpf/synanvil"), .at_start = true,
	  STORED(bpf_directory) },
	{ NAME("state_directory", CONFIG_PATH, "/var/lib/synanvil"), STORED(state_directory) },
};

const size_t config_parameter_count = sizeof(config_parameters) / sizeof(config_parameters[0]);

_Static_assert(sizeof(config_parameters) / sizeof(config_parameters[0]) <= CONFIG_PARAMETERS_MAX,
	       "CONFIG_PARAMETERS_MAX is too small");

const struct config_parameter *config_parameter_find(const char *name, size_t size)
{
	for (size_t i = 0; i < config_parameter_count; i++) {
		const char *known = config_parameters[i].name;

		if (strlen(known) == size && memcmp(known, name, size) == 0)
			return &config_parameters[i];
	}
	return NULL;
}

/* Longer names are no typing errors of ours: the distance stays bounded work. */
#define NAME_MAX_COMPARED 48

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insertions, deletions and replacements that lead from a to b, letter case aside. Both at most
 * NAME_MAX_COMPARED. */
static unsigned edit_distance(const char *a, const char *b)
{
	const size_t width = strlen(b);
	unsigned row[NAME_MAX_COMPARED + 1];

	for (size_t j = 0; j <= width; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < width; j++) {
			const char left[] = { a[i], '\0' };
			const char right[] = { b[j], '\0' };
			const unsigned replaced = diagonal + (strcasecmp(left, right) != 0);

			diagonal = row[j + 1];
			row[j + 1] = smaller(replaced, smaller(row[j], diagonal) + 1);
		}
	}
	return row[width];
}

const struct config_parameter *config_parameter_nearest(const char *name)
{
	const struct config_parameter *nearest = NULL;
	const size_t size = strlen(name);
	unsigned least = (unsigned)size / 3 + 1;

	if (size > NAME_MAX_COMPARED)
		return NULL;
	for (size_t i = 0; i < config_parameter_count; i++) {
		const unsigned distance = edit_distance(name, config_parameters[i].name);

		if (distance < least) {
			least = distance;
			nearest = &config_parameters[i];
		}
	}
	return nearest;
}
