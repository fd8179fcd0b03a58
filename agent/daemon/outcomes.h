/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words for what happened to an attempt, from the one list of reasons. Pure.
 */
#ifndef AGENT_OUTCOMES_H
#define AGENT_OUTCOMES_H

#include <stdbool.h>
#include <stddef.h>

#include "synanvil/abi.h"

enum outcome_action { OUTCOME_PASS, OUTCOME_DROP, OUTCOME_WOULD_DROP, OUTCOME_ACTIONS };

/* "pass", "drop", "would_drop": metrics and JSON. */
const char *outcome_action_name(enum outcome_action action);

/* Of a number that is no reason: "unknown". */
const char *reason_token(unsigned reason);
const char *reason_sentence(unsigned reason);

/* Whether attempts with this reason are dropped where limits are enforced. */
bool reason_drops(unsigned reason);

/* One pair of action and reason that can occur, and its cell in the counters. */
struct outcome {
	enum outcome_action action;
	enum sa_reason reason;
	unsigned cell;
};

/* All of them, ordered by action. */
#define OUTCOMES_MAX SA_OUTCOMES
size_t outcomes_list(struct outcome outcomes[static OUTCOMES_MAX]);

#endif
