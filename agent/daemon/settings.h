/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the configuration to the settings of the packet path. Pure: a function of the configuration
 * and of the settings in force, whose ids and counter slots go on for every service and interface
 * that stays.
 */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include "config.h"

struct settings_plan {
	struct sa_settings settings;
	uint32_t fresh_services;   /* bit n: counter slot n changes hands and must be cleared before
				      the switch */
	uint32_t fresh_interfaces; /* the same for interface slots */
};

/*
 * A service that stays (same address and port) keeps its id and slot. All ids are new where a
 * source became a smaller network than before: the old count of the larger one must not be charged
 * to it. Interfaces keep slot and index by name; a new one has index 0 until
 * settings_interface_place. The epoch of the live counts moves when masks or services do. Returns
 * 0, or -EOVERFLOW when ids ran out.
 */
int settings_build(const struct config *config, const struct sa_settings *in_force,
		   struct settings_plan *ret_plan);

/* Notes under which index the interface is found now, 0 for nowhere. True if that changed
 * something. */
bool settings_interface_place(struct sa_settings *settings, const char *name, uint32_t ifindex);

/* The slot of a name, or 0. */
uint32_t settings_interface_slot(const struct sa_settings *settings, const char *name);

/* The row of a configured service, or NULL. */
const struct sa_service *settings_service(const struct sa_settings *settings,
					  const struct config_service *service);

/* The configured service of an id, or NULL where the id is not (or no longer) in use. */
const struct config_service *settings_service_by_id(const struct sa_settings *settings,
						    const struct config *config, uint32_t id);

/* The source that a client's address belongs to, for the service of that id. */
void settings_source_key(const struct sa_settings *settings, const struct sa_address *address,
			 uint32_t service, struct sa_source_key *ret_key);

#endif
