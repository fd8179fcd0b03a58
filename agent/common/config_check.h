/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit of `synanvil check`: what is valid, but probably not what a postmaster wants.
 */
#ifndef AGENT_CONFIG_CHECK_H
#define AGENT_CONFIG_CHECK_H

#include "config.h"
#include "report.h"

/* Appends warnings. Returns how many, or -ENOMEM. */
int config_check(const struct config *config, struct report *report);

#endif
