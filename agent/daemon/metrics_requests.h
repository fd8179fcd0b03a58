/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The families of the policy service's connections and of the requests on them. Pure.
 */
#ifndef AGENT_METRICS_REQUESTS_H
#define AGENT_METRICS_REQUESTS_H

#include <stdio.h>

#include "policy_server.h"

void metrics_requests(FILE *page, const struct policy_server_stats *stats);

#endif
