/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lists that grow long (events, exceptions, blocks), told a part at a time: as the peer takes
 * the last part the next one is made. So none of them keeps others waiting, or stands in memory as
 * a whole.
 *
 * A list may change between two parts. Events are told up to the newest at the start; those that
 * are forgotten meanwhile are left out. Run-time rules are told in the order of their prefixes, so
 * each that is there all the time is told once. A reload while configured exceptions are told ends
 * the reply with an error.
 */
#ifndef AGENT_LISTING_H
#define AGENT_LISTING_H

#include "daemon.h"
#include "history.h"

enum listing_kind {
	LISTING_NONE,
	LISTING_EVENTS,
	LISTING_EXCEPTIONS,
	LISTING_BLOCKS,
};

/* How far it is. */
enum listing_phase {
	LISTING_BEGINS,
	LISTING_RUNTIME, /* rules added at run time; for events there is only this one */
	LISTING_CONFIGURED,
	LISTING_LINES, /* after the reply: further events, each a line */
};

/* A zero-initialised one with a kind begins at the beginning. */
struct listing {
	enum listing_kind kind;
	struct history_filter filter; /* of events */
	bool follow;                  /* lines follow, up to the newest event at the end */

	enum listing_phase phase;
	bool comma;         /* an item was told */
	uint64_t next, end; /* numbers of events */
	struct prefix last; /* the rule that was told last, if any was */
	bool any;
	size_t pattern; /* the next configured exception, of the configuration that is: */
	const struct config *config;
	struct wall_ms configured;
};

/*
 * The next part; *ret_text is to be freed, not NUL-terminated as far as *ret_size says. 1: there is
 * more; 0: that was all (*ret_size may be 0); -ENOMEM: it cannot be continued.
 */
int listing_part(struct listing *listing, const struct daemon *daemon, char **ret_text,
		 size_t *ret_size);

#endif
