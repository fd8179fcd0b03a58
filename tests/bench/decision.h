/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who contends in the decision benchmark, and the frames that they decide about. Functions return 0
 * or -errno unless they say otherwise; what they give back lives as long as the benchmark.
 */
#ifndef BENCH_DECISION_H
#define BENCH_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "generator.skel.h"
#include "synanvil.skel.h"
#include "tables.h"
#include "textbook.skel.h"

#define EXCEPTIONS 10000
#define TABLE      1048576   /* sources */
#define UNIT_MS    86400000U /* no window ends while it runs */

#define PROFILES   4

/* Where the SYNs come from. */
struct profile {
	const char *name;
	const char *key;
	uint32_t sources; /* 0: random */
	uint32_t warm;    /* runs until every source is over its limit */
};

extern const struct profile profiles[PROFILES];

/* What the service limits; 0: not at all. */
struct limits {
	uint32_t rate;
	uint32_t connections; /* of a source, and of the service */
};

struct bench {
	struct generator_bpf *generator;
	struct textbook_bpf *textbook;
	struct synanvil_bpf *synanvil[2]; /* without and with exceptions */
	struct tables tables;             /* of the first */
	struct sa_settings settings;
};

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

/* Which program gets the generator's frames, and whose sources they have. */
void program_select(const struct bench *bench, int program);
void profile_select(const struct bench *bench, const struct profile *profile);

/* What the first packet path limits from now on. Nobody else may be running it: its settings are
 * changed in place, so all that was noted under those before stays noted. */
void limits_select(const struct bench *bench, const struct limits *limits);

/* The generator of a family, and the frame that it is to start from. */
int generator_of(const struct bench *bench, bool ipv6, struct frame *ret_frame);

/*
 * Nanoseconds of CPU a run, or a negative number with errno set; *ret_verdict is that of the last
 * run.
 */
double run(int generator, const struct frame *frame, uint32_t repeat, uint32_t *ret_verdict);

/* Sorts the values. part: 0.5 for the median. */
double quantile(double *values, size_t count, double part);

/*
 * What limits of connections add to a SYN, in pairs of short turns with and without them; prints
 * and adds to results.
 */
int pairs_measure(const struct bench *bench, json_t *results);

#endif
