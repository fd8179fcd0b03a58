/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reason to verdict, counter and event. The only place that knows XDP's verdicts, and the sole
 * writer of the map counters, of the ring buffer, and of totals but for source_inserts.
 */
#ifndef BPF_VERDICT_H
#define BPF_VERDICT_H

#include "account.bpf.h"
#include "speculation.bpf.h"

#define SA_EFFECT_PASS 0U
#define SA_EFFECT_DROP 1U

/* One bit a reason: whether it drops. */
#define REASON(number, name, token, effect, sentence) | (SA_EFFECT_##effect << (number))
static const __u32 reasons_that_drop = 0
#include "synanvil/reasons.def"
	;
#undef REASON

PART __u32 interface_slot(const struct xdp_md *ctx, const struct sa_settings *set)
{
	__u32 ifindex = ctx->ingress_ifindex;

	if (!GIVEN(set))
		return 0;
	for (__u32 slot = 1; slot < SA_INTERFACE_SLOTS; slot++)
		if (set->interfaces[slot].ifindex == ifindex)
			return SPECULATION_IS_CHECKED ? slot : set->interfaces[slot].slot;
	return 0;
}

static __always_inline int pass_uncounted(void)
{
	return XDP_PASS;
}

PART int pass_unparsed(const struct xdp_md *ctx)
{
	__u32 zero = 0, index, slot;
	struct sa_totals *total = bpf_map_lookup_elem(&totals, &zero);
	const struct sa_settings *set = settings_in_force(&index);

	if (total && set) {
		slot = interface_slot(ctx, set);
		if (slot < SA_INTERFACE_SLOTS)
			total->unparsed[slot]++;
	}
	return XDP_PASS;
}

/* At most SA_EVENTS_PER_SECOND a second and CPU; false counts as lost. */
static __always_inline bool event_allowed(struct sa_totals *total, __u64 now_ms)
{
	__u64 second = now_ms / 1000;

	if (total->event_second != second) {
		total->event_second = second;
		total->event_count = 0;
	}
	return total->event_count++ < SA_EVENTS_PER_SECOND;
}

/* What was exceeded, this attempt included. */
static __always_inline void event_measure(struct sa_event *event, const struct attempt *attempt,
					  int reason)
{
	if (reason == SA_REASON_RATE) {
		event->count = attempt->count;
		event->limit = attempt->rate_limit;
	} else if (reason == SA_REASON_CONCURRENCY) {
		event->count = attempt->held + 1;
		event->limit = attempt->may_hold;
		/* Places are taken by SYNs, which anybody can forge. */
		event->confirmed = attempt->live >= attempt->may_hold;
		event->is_share = attempt->may_hold != attempt->connection_limit;
	} else if (reason == SA_REASON_PROCESS_LIMIT) {
		event->count = attempt->service_live + 1;
		event->limit = attempt->process_limit;
	}
}

/* event: all zero. */
PART int event_fill(struct sa_event *event, const struct attempt *attempt, int reason, bool would)
{
	if (!GIVEN(event && attempt))
		return 0;
	event->time_ms = attempt->now_ms;
	event->address = attempt->packet.source;
	event->service = attempt->key.service;
	event->reason = reason;
	event->would_drop = would;
	event_measure(event, attempt, reason);
	return 0;
}

static __always_inline void event_emit(const struct attempt *attempt, int reason, bool would)
{
	struct sa_event event = {};
	__u32 zero = 0;
	struct sa_totals *total = bpf_map_lookup_elem(&totals, &zero);

	if (!total)
		return;
	(void)event_fill(&event, attempt, reason, would);
	if (!event_allowed(total, attempt->now_ms) ||
	    bpf_ringbuf_output(&events, &event, sizeof(event), 0))
		total->events_lost++;
}

PART int verdict(const struct xdp_md *ctx, const struct sa_settings *set, struct attempt *attempt,
		 struct sa_source *source, int reason)
{
	bool drops = reasons_that_drop >> reason & 1, would;
	struct sa_counters *cells;
	__u32 outcome, row;

	if (!GIVEN(set && attempt))
		return XDP_PASS;
	would = drops && !attempt->enforced;
	outcome = number_forgotten(would ? SA_OUTCOME_WOULD(reason) : reason);
	row = SA_COUNTER_ROW(interface_slot(ctx, set), attempt->service_slot,
			     attempt->packet.family);
	cells = bpf_map_lookup_elem(&counters, &row);
	if (cells && outcome < SA_OUTCOMES)
		cells->packets[outcome]++;
	if (!drops)
		return XDP_PASS;
	drop_account(attempt, source, reason);
	if (attempt->first_over)
		event_emit(attempt, reason, would);
	return would ? XDP_PASS : XDP_DROP;
}

#endif
