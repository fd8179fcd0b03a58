/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The networks of an ordered list of patterns, packed for looking up addresses: eight bytes for one
 * of IPv4, twenty for one of IPv6, since lists of a hundred thousand are kept for as long as the
 * agent runs. Takes as many look-ups as the list has prefix lengths. Pure but for its memory.
 */
#ifndef AGENT_CLIENT_NETWORKS_H
#define AGENT_CLIENT_NETWORKS_H

#include "config.h"

/* The place of a pattern in its list, and below it whether it exempts: the least that matches
 * decides. */
typedef uint32_t client_verdict;

#define CLIENT_VERDICT_NONE UINT32_MAX

_Static_assert(SA_PREFIXES_MAX < CLIENT_VERDICT_NONE / 2, "a place and a bit fit");

static inline client_verdict client_verdict_of(const struct config_pattern *pattern, size_t place)
{
	return (client_verdict)(place << 1) | !pattern->negated;
}

static inline bool client_verdict_exempts(client_verdict verdict)
{
	return verdict != CLIENT_VERDICT_NONE && (verdict & 1);
}

#define CLIENT_LENGTHS_IPV4 33
#define CLIENT_LENGTHS_IPV6 129

struct client_network6;

/* Zero-initialise. Of equal prefixes the first of the list is there. */
struct client_networks {
	uint64_t *ipv4; /* address in host order << 32 | verdict; ascending within each length */
	struct client_network6 *ipv6;
	size_t first4[CLIENT_LENGTHS_IPV4 + 1]; /* where each length begins */
	size_t first6[CLIENT_LENGTHS_IPV6 + 1];
};

/* Takes the prefixes among patterns. 0 or -ENOMEM; client_networks_done is due in either case. */
int client_networks_init(struct client_networks *networks, const struct config_patterns *patterns);
void client_networks_done(struct client_networks *networks);

/* Of the first pattern that holds address, or CLIENT_VERDICT_NONE. IPv6 prefixes hold no IPv4. */
client_verdict client_networks_find(const struct client_networks *networks,
				    const struct sa_address *address);

#endif
