/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass after another over the live connections: what the kernel lists against what is counted.
 * A pass is given all listed sockets, then walks all entries. Neither is of one moment, so one look
 * proves nothing: a socket that closes is still in a part of the list that was read before, and one
 * that opens is not in it. Only what two passes in a row find wrong is wrong: none opens or closes
 * twice.
 *
 * After a start or another epoch, when nothing is there yet, a first pass believes what it sees.
 * What it entered although it had just closed, the passes after it remove, and what it was not told
 * of, or had no room for yet, they enter; that is no drift.
 *
 * When passes are made, and where the list comes from, is connections_sync.c's. No clock, no log.
 */
#ifndef AGENT_CONNECTIONS_PASS_H
#define AGENT_CONNECTIONS_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "cookie_set.h"
#include "sock_diag.h"
#include "tables.h"

/* Entries a slice: half a microsecond each. */
#define CONNECTIONS_SLICE 512

struct connections_pass {
	/* The owner's, set before the first pass; not owned: */
	const struct sa_settings *settings; /* in force */
	const struct tables *tables;
	bool alone; /* nobody else counts: what is not listed is gone */

	bool fills;        /* what is not counted is entered at once; true for the first pass */
	unsigned settling; /* passes in which what is put right is no drift */
	uint64_t drift;    /* corrections so far */
	uint64_t awaited;  /* at most so many wait for room: they come without being drift */

	/* Of the pass under way: */
	uint32_t epoch;
	int error; /* the first one */
	struct tables_cursor cursor;
	struct cookie_set listed;
	struct cookie_set missing;  /* listed, no entry */
	struct cookie_set unlisted; /* an entry, not listed */
	bool entering;              /* or of one that was broken off */

	/* Of the pass before: */
	struct cookie_set missing_before;
	struct cookie_set unlisted_before;

	struct sa_connection_key keys[CONNECTIONS_SLICE];
	struct sa_connection values[CONNECTIONS_SLICE];
};

/* For the settings in force; breaks off the one under way. */
void connections_pass_begin(struct connections_pass *pass);

/* One socket of the kernel's list. */
void connections_pass_socket(struct connections_pass *pass, const struct sock_diag_socket *socket);

/* The next slice of the entries, after all sockets. 1 if there is more, 0 at the end, or -errno. */
int connections_pass_walk(struct connections_pass *pass);

/*
 * The pass has come to its end, or broken off with pass->error. Then it has proved nothing: the one
 * before it still stands for what was seen.
 */
void connections_pass_end(struct connections_pass *pass);

/* What was seen before is of another epoch: the next pass is a first one again. */
void connections_pass_start_over(struct connections_pass *pass);

/* Removes every entry: where nobody counts, what an earlier agent counted would stay for ever. */
void connections_pass_forget(struct connections_pass *pass);

void connections_pass_note_error(struct connections_pass *pass, int error);

/* Frees what it owns. */
void connections_pass_done(struct connections_pass *pass);

#endif
