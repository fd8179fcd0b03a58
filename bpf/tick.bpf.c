/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells the agent where jiffies and CLOCK_MONOTONIC stand, for clock.bpf.h. Run by the agent before
 * load, never attached; an XDP program because those may ask for the coarse clock.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

__u64 clock_ns = 0; /* CLOCK_MONOTONIC_COARSE: the time of the last tick */
__u64 jiffies = 0;  /* read after it: of the same tick, or of a later one */

SEC("xdp")
int tick_read(struct xdp_md *ctx __attribute__((unused)))
{
	clock_ns = bpf_ktime_get_coarse_ns();
	jiffies = bpf_jiffies64();
	return 0;
}

char program_license[] SEC("license") = "GPL";
