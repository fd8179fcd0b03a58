/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One rule after the other of a cidr table, into the list that names the table.
 */
#ifndef AGENT_CONFIG_CIDR_H
#define AGENT_CONFIG_CIDR_H

#include "config_lists.h"

void config_cidr_begin(struct list *list);

/* "pattern result", "!pattern result", "if [!]pattern" or "endif", without blanks at its ends. */
int config_cidr_rule(struct list *list, const struct list_place *place, const char *text,
		     size_t size);

/* Each "if" must have had its "endif". */
void config_cidr_end(struct list *list, const struct list_place *place);

#endif
