/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The networks of one sender, and whether there are more of them than a sender can have. Pure.
 */
#ifndef SPF_NETWORKS_H
#define SPF_NETWORKS_H

#include <stddef.h>

#include "prefix.h"

/*
 * What no sender of mail has. The largest that publish SPF records today stay below a fifth of it;
 * what is wider is a mistake or an attempt to have everybody exempted.
 */
#define SPF_IPV4_LENGTH_MIN    12 /* a million addresses */
#define SPF_IPV6_LENGTH_MIN    32 /* what a provider gets for all of its customers */
#define SPF_IPV4_ADDRESSES_MAX (1UL << 22)
#define SPF_NETWORKS_MAX       10000

struct spf_networks {
	struct prefix *items;
	size_t count;
	size_t size; /* allocated */
};

/* 0 or -ENOMEM; -E2BIG beyond SPF_NETWORKS_MAX. */
int spf_networks_add(struct spf_networks *networks, const struct prefix *network);
void spf_networks_done(struct spf_networks *networks);

/* Sorts, and drops what others cover. */
void spf_networks_settle(struct spf_networks *networks);

/* NULL, or a static sentence saying why this cannot be a sender; *ret_network is the one at fault,
 * or NULL if all together are. Of settled networks. */
const char *spf_networks_absurd(const struct spf_networks *networks,
				const struct prefix **ret_network);

#endif
