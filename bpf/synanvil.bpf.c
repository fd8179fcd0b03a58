/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet path: a frame is parsed, its service found, its source looked up in the lists, the
 * attempt counted, and the reason that comes of it turned into a verdict. Whatever is no attempt to
 * a protected port passes.
 */
/* In the order of a packet's way. */
/* clang-format off */
#include "parse.bpf.h"
#include "service.bpf.h"
#include "clock.bpf.h"
#include "sample.bpf.h"
#include "spent.bpf.h"
#include "classify.bpf.h"
#include "places.bpf.h"
#include "account.bpf.h"
#include "verdict.bpf.h"
/* clang-format on */

SEC("xdp.frags")
int synanvil(struct xdp_md *ctx)
{
	const struct sa_settings *set;
	struct attempt attempt = {};
	struct sa_source *source = 0;
	int stage;

	stage = parse_packet(ctx, &attempt.packet);
	if (stage == STAGE_UNPARSED)
		return pass_unparsed(ctx);
	if (stage == STAGE_NOT_OURS)
		return pass_uncounted();
	set = settings_in_force(&attempt.index);
	if (!set || service_find(set, &attempt) == STAGE_NOT_OURS)
		return pass_uncounted();
	attempt.now_ms = clock_now_ms();
	attempt.generation = generation_in_force();
	attempt.sampled = sample_next();
	stage = spent_find(&attempt);
	if (stage == STAGE_CONTINUE) {
		source_key_make(set, &attempt);
		connection_limits_apply(&attempt);
		stage = source_classify(set, &attempt, &source);
	}
	if (stage == STAGE_CONTINUE) {
		stage = attempt_account(&attempt, &source);
		stage = place_settle(&attempt, source, stage);
	}
	return verdict(ctx, set, &attempt, source, stage);
}

/* "GPL" is what the kernel asks for its helpers; the file itself is GPL-2.0-or-later. */
char program_license[] SEC("license") = "GPL";
