/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which attempts stand for SA_DROPPED_EXACT others. Sole writer of totals.tickets.
 */
#ifndef BPF_SAMPLE_H
#define BPF_SAMPLE_H

#include "attempt.bpf.h"
#include "maps.bpf.h"

/*
 * Counts this CPU's attempts; the number's digest decides, since sources that take turns would fall
 * into step with the number itself. Cheaper than the kernel's random numbers, and no sender knows
 * the count.
 */
static __always_inline bool sample_next(void)
{
	__u32 zero = 0;
	struct sa_totals *total = bpf_map_lookup_elem(&totals, &zero);

	if (!total)
		return false;
	return (__u32)(++total->tickets * 0x9e3779b97f4a7c15ULL >> 32) % SA_DROPPED_EXACT == 0;
}

#endif
