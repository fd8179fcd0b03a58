/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Prometheus' standard process metrics tell about this process, from /proc/self and the
 * kernel's accounting.
 */
#ifndef AGENT_PROCESS_STATS_H
#define AGENT_PROCESS_STATS_H

#include <stdint.h>

struct process_stats {
	double cpu_seconds;
	double start_time_seconds; /* since 1970 */
	uint64_t virtual_bytes;
	uint64_t resident_bytes;
	uint64_t open_fds;
	uint64_t max_fds; /* UINT64_MAX: no limit */
};

/* What cannot be read stays 0. */
void process_stats_read(struct process_stats *ret_stats);

#endif
