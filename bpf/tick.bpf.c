/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells the agent where jiffies and CLOCK_MONOTONIC stand, for clock.bpf.h. Run once before load.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct tick_reading {
	__u64 before_ns; /* CLOCK_MONOTONIC */
	__u64 jiffies;
	__u64 after_ns;
};

SEC("syscall")
int tick_read(struct tick_reading *reading)
{
	reading->before_ns = bpf_ktime_get_ns();
	reading->jiffies = bpf_jiffies64();
	reading->after_ns = bpf_ktime_get_ns();
	return 0;
}

char program_license[] SEC("license") = "GPL";
