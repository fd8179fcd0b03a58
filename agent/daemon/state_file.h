/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file in state_directory that keeps run-time exceptions and blocks: one rule a line, between a
 * header and a trailer with the number of rules and a checksum. Replaced as a whole, so that a
 * crash leaves the old or the new one.
 */
#ifndef AGENT_STATE_FILE_H
#define AGENT_STATE_FILE_H

#include "rule_set.h"

#define STATE_FILE_NAME "rules"

/* Larger than any file that this agent writes for the prefixes that the tables can hold. */
#define STATE_FILE_MAX (512UL * 1024 * 1024)

struct state_rules {
	struct rule_set exceptions;
	struct rule_set blocks;
};

void state_rules_done(struct state_rules *rules);

/* What is wrong with a file. Zero: nothing. */
struct state_damage {
	unsigned line;      /* the first bad one, from 1; 0 with a reason: the file as a whole */
	size_t bad_lines;   /* lines that gave no rule but should have */
	const char *reason; /* static; NULL: the file is whole */
};

/* All the rules that text holds, damaged or not. 0 or -ENOMEM. */
int state_file_parse(const char *text, size_t size, struct state_rules *ret_rules,
		     struct state_damage *ret_damage);

/* The inverse. *ret_text is the caller's to free. */
int state_file_format(const struct state_rules *rules, char **ret_text, size_t *ret_size);

/* Reads the file in directory; a missing one has no rules and no damage. */
int state_file_load(int directory, struct state_rules *ret_rules, struct state_damage *ret_damage);

/* Puts the rules where a crash of the machine does not lose them. On failure the old file is still
 * there. */
int state_file_store(int directory, const struct state_rules *rules);

/* Whether the file in directory says exactly this; false as well if it cannot be read. */
bool state_file_holds(int directory, const struct state_rules *rules);

/* Renames the file to STATE_FILE_NAME.WHY-<wall clock>; name gets the new one. */
int state_file_set_aside(int directory, const char *why, int64_t wall_ms, char *name, size_t size);

#endif
