/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether all that connects to a port with the proxy protocol is exempt. Postfix' files do not name
 * the proxies; upstream_proxies does.
 */
#include <string.h>

#include "config_postfix.h"

#define EXCEPTIONS "smtpd_client_event_limit_exceptions"

/* Each of them is compared with each exception. */
#define PROXIES_MAX 256

int config_proxies_store(struct config_loader *loader, const struct config_setting *setting)
{
	struct config_patterns *proxies = &loader->config->upstream_proxies;
	int r = config_list_parse(loader, setting, proxies);

	if (r == 0 && proxies->count > PROXIES_MAX) {
		config_error(loader, &proxies->items[PROXIES_MAX].origin,
			     config_setting_name(setting), "more than %d addresses and networks",
			     PROXIES_MAX);
		return 0;
	}
	for (size_t i = 0; i < proxies->count && r == 0; i++) {
		const struct config_pattern *proxy = &proxies->items[i];

		if (!proxy->is_prefix || proxy->negated)
			config_error(loader, &proxy->origin, config_setting_name(setting),
				     "addresses and networks only: neither names nor \"!\"");
	}
	return r;
}

/* Every address of prefix. The first match decides, so an earlier "!" within it takes some out. */
static bool exempt(const struct config_patterns *exceptions, const struct prefix *prefix)
{
	for (size_t i = 0; i < exceptions->count; i++) {
		const struct config_pattern *pattern = &exceptions->items[i];

		if (!pattern->is_prefix)
			continue;
		if (prefix_covers(&pattern->prefix, prefix))
			return !pattern->negated;
		if (pattern->negated && prefix_covers(prefix, &pattern->prefix))
			return false;
	}
	return false;
}

static bool all_exempt(struct config_loader *loader)
{
	const struct config_patterns *proxies = &loader->config->upstream_proxies;
	bool all = proxies->count > 0;

	if (proxies->count > PROXIES_MAX)
		return false; /* reported */

	for (size_t i = 0; i < proxies->count; i++) {
		const struct config_pattern *proxy = &proxies->items[i];
		char text[PREFIX_TEXT_SIZE];

		if (exempt(&loader->config->exceptions, &proxy->prefix))
			continue;
		all = false;
		prefix_format(&proxy->prefix, text);
		config_warning(
			loader, &proxy->origin, "upstream_proxies",
			"%s is not exempt as a whole, so ports with the proxy protocol have no "
			"limits by address; add it to " EXCEPTIONS,
			text);
	}
	return all;
}

bool postfix_proxies_exempt(struct config_loader *loader)
{
	struct postfix *postfix = loader->config->values->postfix;

	if (!postfix->proxies_looked_at)
		postfix->proxies_exempt = all_exempt(loader);
	postfix->proxies_looked_at = true;
	return postfix->proxies_exempt;
}
