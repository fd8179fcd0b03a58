/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the configured list exempts a client. As in Postfix (match_ops.c): the first pattern that
 * matches decides; "host.example" is that name, ".example" every name below it.
 */
#include <string.h>
#include <strings.h>

#include "config.h"

static bool host_matches(const char *pattern, const char *name)
{
	const size_t size = strlen(name), pattern_size = strlen(pattern);

	if (*pattern != '.')
		return strcasecmp(pattern, name) == 0;
	return size > pattern_size && strcasecmp(pattern, name + size - pattern_size) == 0;
}

bool config_exempts_client(const struct config *config, const struct sa_address *address,
			   const char *name)
{
	struct prefix client;

	if (address)
		prefix_of(address, 128, &client);
	for (size_t i = 0; i < config->exceptions.count; i++) {
		const struct config_pattern *pattern = &config->exceptions.items[i];

		if (pattern->is_prefix ? address && prefix_covers(&pattern->prefix, &client)
				       : name && host_matches(pattern->host, name))
			return !pattern->negated;
	}
	return false;
}

bool config_exempts(const struct config *config, const struct sa_address *address)
{
	return config_exempts_client(config, address, NULL);
}
