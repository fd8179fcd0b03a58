/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reasons of reasons.def as an enumeration, and the index of a (reason, drop or would drop)
 * pair in the counters.
 */
#ifndef SYNANVIL_REASONS_H
#define SYNANVIL_REASONS_H

enum sa_reason {
#define REASON(number, name, token, effect, sentence) SA_REASON_##name = (number),
#include "reasons.def"
#undef REASON
	SA_REASONS = 8,
};

/* Counter cells of one row: cell [reason] counts passed or dropped attempts, [SA_REASONS + reason]
 * the would-be drops. */
#define SA_OUTCOMES              (2 * SA_REASONS)
#define SA_OUTCOME_WOULD(reason) (SA_REASONS + (reason))

#endif
