/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program under test that drops what it would pass as well. Random sources never exceed a limit,
 * so their SYNs would go on into the stack and the stack's cost would drown the decision's. Built
 * once for each program under test, from its own source: PROGRAM is its name, PROGRAM_SOURCE where
 * it is.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Inlined, since a program's section cannot be called into. */
__attribute__((always_inline)) int PROGRAM(struct xdp_md *ctx);

#include PROGRAM_SOURCE

SEC("xdp.frags")
int path_drop(struct xdp_md *ctx)
{
	(void)PROGRAM(ctx);
	return XDP_DROP;
}
