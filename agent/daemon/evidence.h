/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of how often sources connect, and which of them deliver mail: what advice about
 * limits is made from. Fed with each source that a sweep reads and each policy request that was
 * accepted; bounded in memory however many sources there are. Pure: the time is an argument.
 *
 * Of each source the busiest window of the last day counts. The kernel's table has the last window
 * of each. Busier ones before it are remembered here: of the sources that delivered, which nothing
 * but accepted requests can push out, and of those with the most attempts. Networks of IPv6 are
 * what smtpd_client_ipv6_prefix_length = 64 would count: the attempts of all its sources in windows
 * that had not lapsed at the same moment, which is that network's count at least.
 */
#ifndef AGENT_EVIDENCE_H
#define AGENT_EVIDENCE_H

#include "advice.h"
#include "mono.h"
#include "peaks.h"

/* Of one service. */
struct evidence_service {
	uint32_t id; /* sa_service.id */
	struct advice sources;
	struct advice networks; /* by /64; empty where sources are no smaller than that */
};

struct evidence {
	struct peaks busy;
	struct peaks delivering;
	struct peaks networks;
	uint32_t mark;     /* of this sweep */
	size_t rest;       /* places of the three tables that were looked at after the sweep */
	bool networks_too; /* sources of IPv6 are smaller than /64 */
	uint32_t unit_ms;
	uint32_t service_count;
	struct evidence_service next[SA_SERVICES_MAX]; /* in the making */
	struct evidence_service last[SA_SERVICES_MAX];
	uint32_t last_count;
	bool last_networks_too;
	bool complete; /* last holds something */
};

/* 0 or -ENOMEM. */
int evidence_new(struct evidence **ret_evidence);

/* Accepts NULL. Returns NULL. */
struct evidence *evidence_free(struct evidence *evidence);

/* A policy request of a source of this service was accepted. */
void evidence_delivered(struct evidence *evidence, const struct sa_source_key *key,
			struct mono_ms now);

/* A sweep begins; what one that failed has counted is forgotten. */
void evidence_begin(struct evidence *evidence, const struct sa_settings *settings);

/* One entry of the source table; sources of services that the settings do not have are passed
 * over. */
void evidence_offer(struct evidence *evidence, const struct sa_source_key *key, uint64_t window,
		    struct mono_ms now);

/*
 * After all entries: counts, a slice at a time, the remembered that the sweep did not meet. True if
 * there is more to do; else the result is what evidence_of gives from now on.
 */
bool evidence_finish(struct evidence *evidence, struct mono_ms now);

/* The last complete result for a service; NULL if there is none. */
const struct evidence_service *evidence_of(const struct evidence *evidence, uint32_t service_id);

#endif
