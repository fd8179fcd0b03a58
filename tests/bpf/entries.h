/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What entries.bpf.c is asked: a connection as the counting program sees it.
 */
#ifndef TESTS_BPF_ENTRIES_H
#define TESTS_BPF_ENTRIES_H

#include "synanvil/abi.h"

struct entries_call {
	__u64 cookie;
	__u32 epoch;
	__u32 slot;
	struct sa_source_key source;
	__u32 again; /* as by the program that looks a second time */
};

#endif
