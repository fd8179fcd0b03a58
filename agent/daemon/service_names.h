/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the number that the packet path knows a service by to the names that people know it by.
 * Pure.
 */
#ifndef AGENT_SERVICE_NAMES_H
#define AGENT_SERVICE_NAMES_H

#include "config.h"

struct service_name {
	char label[sizeof(((struct config_service *)0)->label)];
	char name[sizeof(((struct config_service *)0)->name)];
};

/* The row of the settings, or NULL: the service was removed by a reload. */
const struct sa_service *service_by_id(const struct sa_settings *settings, uint32_t id);

/* The row of the settings for a configured service; NULL if it has none. */
const struct sa_service *service_of(const struct sa_settings *settings,
				    const struct config_service *service);

/* The configured service with this id; NULL if it is not configured any more. */
const struct config_service *service_configured(const struct config *config,
						const struct sa_settings *settings, uint32_t id);

/* Names for log and JSON; those of a service that is gone are its number in brackets. */
void service_name_of(const struct config *config, const struct sa_settings *settings, uint32_t id,
		     struct service_name *ret_name);

#endif
