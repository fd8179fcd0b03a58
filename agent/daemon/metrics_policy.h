/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The families of the message path. Pure.
 */
#ifndef AGENT_METRICS_POLICY_H
#define AGENT_METRICS_POLICY_H

#include <stdio.h>

#include "policy.h"

void metrics_policy(FILE *page, const struct policy_stats *stats);

#endif
