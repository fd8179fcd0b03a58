/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet path is compiled twice: as it is fastest, and once with SPECULATION_IS_CHECKED for
 * agents without CAP_PERFMON. Linux then also follows what a CPU might do ahead of a branch, and
 * refuses more:
 *
 * - a packet pointer, or one that a function was given, moved by anything but a constant;
 * - a pointer into a map's value moved by a number that is known on one way here, and not, or a
 *   different one, on another;
 * - loops that end by a count, since a branch that was mispredicted may never leave them;
 * - programs of one piece: once an index was unknown, two ways are taken for the same only if all
 *   that is known of them is.
 */
#ifndef BPF_SPECULATION_H
#define BPF_SPECULATION_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifndef SPECULATION_IS_CHECKED
#define SPECULATION_IS_CHECKED 0
#endif

#if SPECULATION_IS_CHECKED

/* A function that Linux checks by itself; returns a number. What it is given may be NULL then. */
#define PART     __attribute__((noinline))
#define GIVEN(x) (x)
/* Has clang compute it here: not two pointers as one, at a distance that is chosen; not a sum at
 * the end, of what has to be stored until then. */
#define KEPT(value) asm volatile("" : "+r"(value))

/* Of a whole word, which Linux 6.1 wants. */
typedef __u64 stack_number;

/* The same number, of which Linux knows nothing more. */
PART __u32 number_forgotten(__u32 number)
{
	asm volatile("" : "+r"(number));
	return number;
}

#else

#define PART     static __always_inline
#define GIVEN(x) true
#define KEPT(value)

typedef __u32 stack_number;

PART __u32 number_forgotten(__u32 number)
{
	return number;
}

#endif

#endif
