/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the number that the packet path knows a service by to the names that people know it by. Pure.
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

#endif
