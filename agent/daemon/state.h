/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run-time exceptions and blocks: owns them, their file, and what the run-time and block tries
 * hold.
 *
 * The file is the truth: a change is written there first, then to the kernel. If the kernel
 * refuses, the change is taken back. Ends of blocks are wall-clock time; a timer moves the kernel's
 * copies when the wall clock is set.
 */
#ifndef AGENT_STATE_H
#define AGENT_STATE_H

#include "daemon.h"
#include "rule_set.h"

struct state;

/* Creates the directory if need be. A damaged file is set aside and what it still says is kept. */
int state_new(struct daemon *daemon, const char *directory, struct state **ret_state);

/* From now on keeps the rules in another directory; a file that was there is set aside. */
int state_move(struct state *state, const char *directory);

/* Accepts NULL. Returns NULL. */
struct state *state_free(struct state *state);

/* Borrowed until the next change. */
const struct rule_set *state_exceptions(const struct state *state);
const struct rule_set *state_blocks(const struct state *state);

/*
 * All or nothing; what holds at return holds for the next packet. On failure *reterr_message, if
 * not NULL, is a line for the one who asked, to be freed.
 */
int state_exceptions_add(struct state *state, const struct prefix *prefixes, size_t count,
			 char **reterr_message);
int state_exceptions_delete(struct state *state, const struct prefix *prefixes, size_t count,
			    char **reterr_message);
int state_blocks_add(struct state *state, const struct block_rule *rules, size_t count,
		     char **reterr_message);
int state_blocks_delete(struct state *state, const struct prefix *prefixes, size_t count,
			char **reterr_message);

/* Whether a run-time exception covers all of prefix. */
bool state_exempts(const struct state *state, const struct prefix *prefix);

/* Whether a block that has not ended covers all of prefix. */
bool state_blocks_cover(const struct state *state, const struct prefix *prefix, int64_t wall_ms);

/* What the timer does: follows the wall clock, and drops what ended long ago. */
int state_check(struct state *state, struct wall_ms wall, struct mono_ms mono);

#endif
