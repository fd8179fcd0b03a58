/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of the message path from one agent to the next: written when the agent leaves for a
 * restart, read and removed by the next start. Times are those of the monotonic clock, so it holds
 * within one boot of the machine only.
 */
#ifndef AGENT_POLICY_HANDOVER_H
#define AGENT_POLICY_HANDOVER_H

#include "policy_counters.h"

#define POLICY_HANDOVER_NAME "counters"

/* Larger than any that is written. */
#define POLICY_HANDOVER_MAX (128UL * 1024 * 1024)

#define POLICY_BOOT_SIZE    40

/* /proc/sys/kernel/random/boot_id; empty where it cannot be read. */
void policy_handover_boot(char boot[static POLICY_BOOT_SIZE]);

/* Windows that have lapsed are left out. *ret_data is the caller's to free. 0 or -ENOMEM. */
int policy_handover_format(const struct policy_counters *counters,
			   const char boot[static POLICY_BOOT_SIZE], uint32_t unit_ms,
			   uint64_t now_ms, char **ret_data, size_t *ret_size);

/*
 * Makes new counters of it: 0; -ESTALE: from before the machine was started; -EINVAL: damaged;
 * -ENOMEM.
 */
int policy_handover_parse(const char *data, size_t size, const char boot[static POLICY_BOOT_SIZE],
			  struct policy_counters *ret_counters);

/* Replaces the file in the directory. 0 or -errno. */
int policy_handover_store(const char *directory, const struct policy_counters *counters,
			  uint32_t unit_ms, uint64_t now_ms);

/* Reads the file and removes it. As policy_handover_parse, or another -errno; -ENOENT: there is
 * none. */
int policy_handover_load(const char *directory, struct policy_counters *ret_counters);

#endif
