/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places of connections on their way: one for each attempt that passed and is not established yet.
 *
 * sa_source.pending is one word, moved by compare-and-swap only: number of the time slot << 32 |
 * places of the slot before << 16 | places of this slot. A place so lapses between one and two
 * slots after it was taken, without anybody who would have to see to it. Shared by the packet path,
 * which takes places, and the program that counts connections, which gives them back. Pure but for
 * pending_release.
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

static __always_inline __u64 pending_word(__u32 slot, __u32 older, __u32 newer)
{
	return (__u64)slot << 32 | older << 16 | newer;
}

/* The word as it is at now_ms. Another CPU's clock may be ahead: its slot stays. */
static __always_inline __u64 pending_at(__u64 word, __u64 now_ms)
{
	__u32 slot = SA_PENDING_SLOT(now_ms);
	__s32 passed = slot - (__u32)(word >> 32);

	if (passed <= 0)
		return word;
	return pending_word(slot, passed == 1 ? pending_newer(word) : 0, 0);
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

/* Whether it is settled; if not, the word was moved meanwhile. */
PART bool pending_try_release(struct sa_source *source, __u64 now_ms)
{
	__u64 old, now;

	if (!GIVEN(source))
		return true;
	old = *(volatile __u64 *)&source->pending;
	now = pending_at(old, now_ms);
	return !pending_count(now) ||
	       __sync_val_compare_and_swap(&source->pending, old, pending_remove(now)) == old;
}

/*
 * Gives one place back: the connection is established and counted as such, or the attempt did not
 * pass after all. Nothing happens where the place has lapsed. Accepted races: an entry that was
 * given to another source meanwhile loses a place of its own; after PENDING_TRIES lost swaps the
 * place is left to lapse.
 */
static __always_inline void pending_release(struct sa_source *source, __u64 now_ms)
{
	for (int i = 0; i < PENDING_TRIES; i++)
		if (pending_try_release(source, now_ms))
			return;
}

#endif
