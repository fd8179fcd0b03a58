/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storms of attempts, one on each CPU. BPF_PROG_TEST_RUN needs a tenth of a second to begin and to
 * end a run of many packets, so a storm is one endless run that gets its work through shared
 * memory: that way all CPUs are at it in the same microsecond.
 */
#ifndef TESTS_BPF_STORMS_H
#define TESTS_BPF_STORMS_H

#include "lab.h"
#include "storm.h"

#define STORMS_MAX                64
#define STORM_ADDRESS(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

struct storms;

/* One storm for each CPU that this process may use, with nothing to do yet. */
struct storms *storms_new(const struct lab *lab);
void storms_free(struct storms *storms);

unsigned storms_count(const struct storms *storms);

/* Gives storm i its plan and a number of packets to make, from the coming storms_go on. */
void storms_plan(struct storms *storms, unsigned i, const struct storm_plan *plan,
		 uint32_t packets);

/* All planned storms begin at once. */
void storms_go(struct storms *storms);

/* Packets that all storms made since storms_go. */
uint64_t storms_made(const struct storms *storms);

/* No more packets than are under way; for plans without a number that matters. */
void storms_cease(struct storms *storms);

/* Returns when all storms have made their packets, and none of them is under way. */
void storms_wait(struct storms *storms);

/* The same plan for all storms; returns when it is done. */
void storms_burst(struct storms *storms, const struct storm_plan *plan, uint32_t packets);

#endif
