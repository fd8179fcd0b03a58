/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells the agent where jiffies and CLOCK_MONOTONIC stand, for clock.bpf.h. Run by the agent before
 * load, never attached.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

__u64 jiffies = 0;
__u64 clock_ns = 0; /* CLOCK_MONOTONIC; read after it: of the same tick, or of a later one */

SEC("xdp")
int tick_read(struct xdp_md *ctx __attribute__((unused)))
{
	jiffies = bpf_jiffies64();
	clock_ns = bpf_ktime_get_ns();
	return 0;
}

char program_license[] SEC("license") = "GPL";
