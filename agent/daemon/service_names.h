/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what the packet path knows a service and a source by to what people know them by. Pure.
 */
#ifndef AGENT_SERVICE_NAMES_H
#define AGENT_SERVICE_NAMES_H

#include "config.h"

struct service_name {
	char label[sizeof(((struct config_service *)0)->label)];
	char name[sizeof(((struct config_service *)0)->name)];
};

/* Names for log and JSON; those of a service that a reload removed are its number in brackets. */
void service_name_of(const struct config *config, const struct sa_settings *settings, uint32_t id,
		     struct service_name *ret_name);

/* The network that counts as one source with address; length over the mapped form. */
uint8_t source_prefix_length(const struct config *config, const struct sa_address *address);
void source_prefix(const struct config *config, const struct sa_address *address,
		   struct prefix *ret_prefix);

#endif
