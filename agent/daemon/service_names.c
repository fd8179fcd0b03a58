/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of services and sources.
 */
#include "service_names.h"

#include <stdio.h>
#include <string.h>

#include "settings.h"

void service_name_of(const struct config *config, const struct sa_settings *settings, uint32_t id,
		     struct service_name *ret_name)
{
	const struct config_service *service = settings_service_by_id(settings, config, id);

	*ret_name = (struct service_name){ 0 };
	if (service) {
		memcpy(ret_name->label, service->label, sizeof(ret_name->label));
		memcpy(ret_name->name, service->name, sizeof(ret_name->name));
		return;
	}
	(void)snprintf(ret_name->label, sizeof(ret_name->label), "[%u]", id);
	(void)snprintf(ret_name->name, sizeof(ret_name->name), "[%u]", id);
}

uint8_t source_prefix_length(const struct config *config, const struct sa_address *address)
{
	struct prefix full;

	prefix_of(address, 128, &full);
	return prefix_is_ipv4(&full) ? (uint8_t)(96 + config->ipv4_prefix_length)
				     : config->ipv6_prefix_length;
}

void source_prefix(const struct config *config, const struct sa_address *address,
		   struct prefix *ret_prefix)
{
	prefix_of(address, source_prefix_length(config, address), ret_prefix);
}
