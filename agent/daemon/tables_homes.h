/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of live connections that are at home (synanvil/homes.h); for tables_connections.c alone.
 * Pieces of the table are mapped while they are used: mapped whole, all of it would be resident.
 */
#ifndef AGENT_TABLES_HOMES_H
#define AGENT_TABLES_HOMES_H

#include "tables.h"

/* 0, also of one that is being made, with nothing said of it; -ENOENT: it is not at home. */
int homes_look(const struct tables *tables, const struct sa_connection_key *key,
	       struct sa_connection *ret_connection);

/* The cookie's home; NULL with errno set. The caller unmaps it. */
struct sa_home *home_map(const struct tables *tables, uint64_t cookie);
void home_unmap(struct sa_home *home);

/* The word of the home, where it has this entry, and what it says; 0: it has not. */
uint64_t home_find(const struct sa_home *home, const struct sa_connection_key *key,
		   struct sa_connection *ret_connection);

/* From the cursor's home on. None of those that are being made. */
int homes_batch(const struct tables *tables, struct tables_cursor *cursor,
		struct sa_connection_key *keys, struct sa_connection *values, size_t size,
		size_t *ret_count);

#endif
