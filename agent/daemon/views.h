/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent knows, as the objects that synanvil(1) documents for --json. They look, they
 * change nothing. All return 0 or -errno; *ret_object is the caller's.
 */
#ifndef AGENT_VIEWS_H
#define AGENT_VIEWS_H

#include <jansson.h>

#include "daemon.h"
#include "top.h"

int view_status(const struct daemon *daemon, json_t **ret_object);
int view_top(const struct daemon *daemon, size_t count, enum top_order order, json_t **ret_object);
int view_advice(const struct daemon *daemon, json_t **ret_object);
int view_config(const struct daemon *daemon, bool changed_only, json_t **ret_object);

/* How many patterns the lists of exceptions have, and how many blocks have not ended. */
size_t view_exception_count(const struct daemon *daemon);
size_t view_block_count(const struct daemon *daemon);

#endif
