/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places of connections on their way: one for each attempt that passed and is not established yet.
 * And a note that the source has no connection, so that the packet path need not look for any.
 *
 * sa_source.pending is one word, moved by compare-and-swap only: number of the time slot (20 bits)
 * | note (8) | openings (4) | places of the slot before (16) | places of this slot (16). A place so
 * lapses between one and two slots after it was taken, without anybody who would have to see to it.
 *
 * Shared by the packet path, which takes places and notes what it found, and the program that
 * counts connections: that gives a place back and takes the note away for each one that opens,
 * after it has counted it, and changes the word each time. So what was found before cannot be noted
 * after. Pure but for pending_open.
 */
#ifndef BPF_PENDING_H
#define BPF_PENDING_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "speculation.bpf.h"
#include "synanvil/abi.h"

/* Each failed swap means that another CPU moved the same source's word. */
#define PENDING_TRIES 64

static __always_inline __u32 pending_older(__u64 word)
{
	return word >> 16 & SA_PENDING_MAX;
}

static __always_inline __u32 pending_newer(__u64 word)
{
	return word & SA_PENDING_MAX;
}

static __always_inline __u32 pending_count(__u64 word)
{
	return pending_older(word) + pending_newer(word);
}

static __always_inline __u32 pending_note(__u64 word)
{
	return word >> SA_PENDING_NOTE_SHIFT & SA_PENDING_NOTE_MASK;
}

static __always_inline __u64 pending_noted(__u64 word, __u32 note)
{
	return (word & ~((__u64)SA_PENDING_NOTE_MASK << SA_PENDING_NOTE_SHIFT)) |
	       (__u64)note << SA_PENDING_NOTE_SHIFT;
}

/*
 * All bits or none, without a branch: of a source among many no processor guesses how long ago its
 * last attempt came, and a wrong guess costs more than all of this.
 */
static __always_inline __u64 pending_all_if_below(__u64 number, __u64 bound)
{
	__u64 difference = number - bound;

	asm("" : "+r"(difference)); /* or the compiler makes a branch of it */
	return (__u64)((__s64)difference >> 63);
}

/*
 * The word as it is at now_ms. Another CPU's clock may be ahead: its slot stays. An entry that was
 * left alone for 36 days, to some seconds, has places once more.
 */
static __always_inline __u64 pending_at(__u64 word, __u64 now_ms)
{
	const __u64 moving = ~0ULL << SA_PENDING_SLOT_SHIFT | 0xffffffffULL;
	__u64 slot = SA_PENDING_SLOT(now_ms);
	__u64 passed = (slot - (word >> SA_PENDING_SLOT_SHIFT)) & SA_PENDING_SLOT_MASK;
	__u64 stays = pending_all_if_below(passed + 1 & SA_PENDING_SLOT_MASK, 2);
	__u64 turned = pending_all_if_below(passed ^ 1, 1) & (__u64)pending_newer(word) << 16;

	turned |= slot << SA_PENDING_SLOT_SHIFT;
	return (word & (~moving | stays)) | (turned & ~stays);
}

/* One place more. Beyond what the word can hold none is noted: more pass, never fewer. */
static __always_inline __u64 pending_add(__u64 word)
{
	return pending_newer(word) < SA_PENDING_MAX ? word + 1 : word;
}

/* One place less, the one that would lapse first. */
static __always_inline __u64 pending_remove(__u64 word)
{
	if (pending_older(word))
		return word - (1U << 16);
	return pending_newer(word) ? word - 1 : word;
}

/* The place of an attempt that was sent again: lasts as if it had been taken now. */
static __always_inline __u64 pending_renew(__u64 word)
{
	return pending_older(word) ? pending_add(pending_remove(word)) : word;
}

/* A connection is open: one place less, nothing noted, and never the word that was there before. */
static __always_inline __u64 pending_opened(__u64 word)
{
	const __u64 openings = (__u64)SA_PENDING_OPENING_MASK << SA_PENDING_OPENING_SHIFT;

	word = pending_noted(pending_remove(word), 0);
	return (word & ~openings) | ((word + (1ULL << SA_PENDING_OPENING_SHIFT)) & openings);
}

/* False where the word was moved meanwhile. */
PART bool pending_try_open(struct sa_source *source, __u64 now_ms)
{
	__u64 old, opened;

	if (!GIVEN(source))
		return true;
	old = *(volatile __u64 *)&source->pending;
	opened = pending_opened(pending_at(old, now_ms));
	return __sync_val_compare_and_swap(&source->pending, old, opened) == old;
}

/*
 * Without a swap that can be lost: other than before first, or a note on its way could still be
 * made after it is taken away. The opening that overflows goes into the note, which is taken away.
 */
static __always_inline void pending_take_note(struct sa_source *source)
{
	__sync_fetch_and_add(&source->pending, 1ULL << SA_PENDING_OPENING_SHIFT);
	__sync_fetch_and_and(&source->pending,
			     ~((__u64)SA_PENDING_NOTE_MASK << SA_PENDING_NOTE_SHIFT));
}

/*
 * Gives one place back, where there is one that has not lapsed, and takes the note away: the
 * connection is established and counted as such, or the attempt did not pass after all. Accepted
 * races: an entry that was given to another source meanwhile loses a place of its own; after
 * PENDING_TRIES lost swaps the place is left to lapse.
 */
static __always_inline void pending_open(struct sa_source *source, __u64 now_ms)
{
	for (int i = 0; i < PENDING_TRIES; i++)
		if (pending_try_open(source, now_ms))
			return;
	pending_take_note(source);
}

#endif
