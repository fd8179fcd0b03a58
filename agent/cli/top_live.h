/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `top`: what it asks the agent, and the live screen that asks again every second.
 */
#ifndef CLI_TOP_LIVE_H
#define CLI_TOP_LIVE_H

#include <jansson.h>
#include <stdbool.h>

#include "cli.h"

enum top_order { TOP_BY_ATTEMPTS, TOP_BY_DROPPED, TOP_BY_CONNECTIONS };

struct top_question {
	int count; /* 0: as many as fit on the screen */
	enum top_order order;
};

/* false, and *ret_order untouched, if text is none of the orders. */
bool top_order_parse(const char *text, enum top_order *ret_order);
const char *top_order_name(enum top_order order);

/* The arguments of the request; NULL when memory is short. */
json_t *top_arguments(const struct top_question *question);

/* Shows the screen until the user leaves it. false if this terminal cannot show one: nothing has
 * happened then. */
bool top_live(const struct cli *cli, const struct top_question *question,
	      enum cli_status *ret_status);

#endif
