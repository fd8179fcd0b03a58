/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network without some of the networks in it, as the fewest networks that make it up. Pure.
 */
#ifndef AGENT_CONFIG_REGION_H
#define AGENT_CONFIG_REGION_H

#include <stddef.h>

#include "prefix.h"

/* How many networks a region can leave out. */
#define CONFIG_REGION_HOLES_MAX 40

struct config_region {
	struct prefix base;
	struct prefix holes[CONFIG_REGION_HOLES_MAX];
	size_t hole_count;
	bool empty;
};

/* All addresses of the family that like is of. */
void config_region_init(struct config_region *region, const struct prefix *like);

/* Leaves only what is in prefix. Another family leaves nothing. */
void config_region_keep(struct config_region *region, const struct prefix *prefix);

/*
 * Leaves only what is not in prefix, and of its family: as cidr tables mean "!prefix". At most
 * CONFIG_REGION_HOLES_MAX calls for one region.
 */
void config_region_cut(struct config_region *region, const struct prefix *prefix);

/* Calls visit for each network; stops at, and returns, a non-zero result. */
int config_region_each(const struct config_region *region,
		       int (*visit)(const struct prefix *prefix, void *context), void *context);

#endif
