/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa_source.repeats, one word moved by compare-and-swap only: low bits of the window's start,
 * whether an event of that window was emitted, and how many of its free repeats are used. A window
 * that turns so starts with neither, and nothing has to be cleared.
 */
#ifndef BPF_REPEATS_H
#define BPF_REPEATS_H

#include "attempt.bpf.h"

#define REPEATS_BITS 4
#define REPEATS_MASK ((1U << REPEATS_BITS) - 1)
#define REPEATS_USED 7U
#define REPEATS_TOLD 8U
_Static_assert(SA_REPEATS_FREE <= REPEATS_USED, "the free repeats fit beside the mark");

static __always_inline __u32 repeats_tag(__u64 start_ms)
{
	return (__u32)start_ms << REPEATS_BITS;
}

/* What the word says of the window that started then. */
static __always_inline __u32 repeats_of(__u32 repeats, __u64 start_ms)
{
	return (repeats & ~REPEATS_MASK) == repeats_tag(start_ms) ? repeats & REPEATS_MASK : 0;
}

static __always_inline bool repeats_are_left(const struct sa_source *source, __u64 start_ms)
{
	return (repeats_of(*(const volatile __u32 *)&source->repeats, start_ms) & REPEATS_USED) <
	       SA_REPEATS_FREE;
}

/*
 * Takes one of the free repeats of this window; false if all are used. A failed swap means that
 * another CPU took one or set the mark, so two tries more than there are to take always decide.
 */
static __always_inline bool repeat_take(struct sa_source *source, __u64 start_ms)
{
	for (int i = 0; i < SA_REPEATS_FREE + 2; i++) {
		__u32 old = *(volatile __u32 *)&source->repeats;
		__u32 now = repeats_of(old, start_ms);

		if ((now & REPEATS_USED) >= SA_REPEATS_FREE)
			return false;
		if (__sync_val_compare_and_swap(&source->repeats, old,
						repeats_tag(start_ms) | (now + 1)) == old)
			return true;
	}
	return false;
}

static __always_inline bool source_is_told(const struct sa_source *source, __u64 start_ms)
{
	return repeats_of(*(const volatile __u32 *)&source->repeats, start_ms) & REPEATS_TOLD;
}

/* True for one caller in the window: this attempt's drop is the one to be told of. */
static __always_inline bool source_tell(struct sa_source *source, __u64 start_ms)
{
	for (int i = 0; i < SA_REPEATS_FREE + 2; i++) {
		__u32 old = *(volatile __u32 *)&source->repeats;
		__u32 now = repeats_of(old, start_ms);

		if (now & REPEATS_TOLD)
			return false;
		if (__sync_val_compare_and_swap(&source->repeats, old,
						repeats_tag(start_ms) | now | REPEATS_TOLD) == old)
			return true;
	}
	return false;
}

#endif
