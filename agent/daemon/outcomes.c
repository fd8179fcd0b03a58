/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of reasons, expanded into words.
 */
#include "outcomes.h"

#define PASS false
#define DROP true

static const struct {
	const char *token;
	const char *sentence;
	bool drops;
} reasons[SA_REASONS] = {
#define REASON(number, name, token, effect, sentence) [number] = { #token, sentence, effect },
#include "synanvil/reasons.def"
#undef REASON
};

const char *outcome_action_name(enum outcome_action action)
{
	static const char *const names[OUTCOME_ACTIONS] = {
		[OUTCOME_PASS] = "pass",
		[OUTCOME_DROP] = "drop",
		[OUTCOME_WOULD_DROP] = "would_drop",
	};

	return names[action];
}

const char *reason_token(unsigned reason)
{
	return reason < SA_REASONS ? reasons[reason].token : "unknown";
}

const char *reason_sentence(unsigned reason)
{
	return reason < SA_REASONS ? reasons[reason].sentence : "unknown";
}

bool reason_drops(unsigned reason)
{
	return reason < SA_REASONS && reasons[reason].drops;
}

size_t outcomes_list(struct outcome outcomes[static OUTCOMES_MAX])
{
	size_t count = 0;

	for (enum outcome_action action = 0; action < OUTCOME_ACTIONS; action++) {
		for (unsigned reason = 0; reason < SA_REASONS; reason++) {
			if (reason_drops(reason) != (action != OUTCOME_PASS))
				continue;
			outcomes[count++] = (struct outcome){
				.action = action,
				.reason = reason,
				.cell = action == OUTCOME_WOULD_DROP ? SA_OUTCOME_WOULD(reason)
								     : reason,
			};
		}
	}
	return count;
}
