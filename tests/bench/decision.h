/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who contends in the decision benchmark, and the frames that they decide about. Functions return 0
 * or -errno unless they say otherwise; what they give back lives as long as the benchmark.
 */
#ifndef BENCH_DECISION_H
#define BENCH_DECISION_H

#include <stddef.h>
#include <stdint.h>

#include "synanvil.skel.h"
#include "tables.h"
#include "textbook.skel.h"

#define EXCEPTIONS 10000
#define TABLE      1048576   /* sources */
#define UNIT_MS    86400000U /* no window ends while it runs */

struct frame {
	uint8_t bytes[128];
	uint32_t size;
};

/* A SYN to port 25, whose source the generator writes. */
void frame_ipv4(struct frame *frame);
void frame_ipv6(struct frame *frame);

/* One service with a limit of 1. */
struct sa_settings settings_make(void);

/* A packet path with these settings and this many exceptions, EXCEPTIONS at most. */
int synanvil_load(struct synanvil_bpf **ret_object, struct tables *ret_tables, size_t exceptions);

int textbook_load(struct textbook_bpf **ret_object);

#endif
