/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the decision alone costs: nanoseconds a SYN above the generator, textbook counter against
 * synanvil, all in one run. Contenders take turns within each round and the median of the rounds is
 * shown, so that a machine whose speed drifts is unfair to none. The limit is 1, so that all known
 * sources are over it once the tables are warm; "random" is a new source each time.
 */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "decision.h"

#define ROUNDS   7
#define REPEAT   2000000
#define CPUS_MAX 64

enum contender { FLOOR, TEXTBOOK, BARE, LISTED, OPEN, CONTENDERS };

static const char *const contender_names[CONTENDERS] = {
	[FLOOR] = "generator",
	[TEXTBOOK] = "textbook",
	[BARE] = "synanvil",
	[LISTED] = "synanvil, 10,000 exceptions",
	[OPEN] = "synanvil, no limit: all pass",
};

static uint32_t contender_rate(enum contender contender)
{
	return contender == OPEN ? 0 : 1;
}

static int contender_fd(const struct bench *bench, enum contender contender)
{
	switch (contender) {
	case TEXTBOOK:
		return bpf_program__fd(bench->textbook->progs.textbook);
	case BARE:
	case OPEN:
		return bpf_program__fd(bench->synanvil[0]->progs.synanvil);
	case LISTED:
		return bpf_program__fd(bench->synanvil[1]->progs.synanvil);
	default:
		return bpf_program__fd(bench->generator->progs.generator_floor);
	}
}

static void contender_select(const struct bench *bench, enum contender contender)
{
	const struct limits limits = { .rate = contender_rate(contender) };

	limits_select(bench, &limits);
	program_select(bench, contender_fd(bench, contender));
}

/* XDP_DROP or XDP_PASS. */
static uint32_t verdict_expected(const struct profile *profile, enum contender contender)
{
	if (contender == FLOOR)
		return 1;
	return profile->sources && contender_rate(contender) ? 1 : 2;
}

/* Fills figures[contender] with medians, ns a SYN, the generator's own share included. */
static int profile_measure(const struct bench *bench, const struct profile *profile, int generator,
			   const struct frame *frame, bool ipv6, double figures[CONTENDERS])
{
	double seen[CONTENDERS][ROUNDS];
	uint32_t verdict = 0;

	profile_select(bench, profile);
	for (enum contender c = FLOOR; c < CONTENDERS; c++) {
		if (ipv6 && c == TEXTBOOK)
			continue;
		contender_select(bench, c);
		if (run(generator, frame, profile->warm, &verdict) < 0)
			return -errno;
	}
	for (size_t round = 0; round < ROUNDS; round++) {
		for (enum contender c = FLOOR; c < CONTENDERS; c++) {
			uint32_t expected = verdict_expected(profile, c);

			if (ipv6 && c == TEXTBOOK)
				continue;
			contender_select(bench, c);
			seen[c][round] = run(generator, frame, REPEAT, &verdict);
			if (seen[c][round] < 0 || verdict != expected) {
				fprintf(stderr, "%s, %s: verdict %u, not %u\n", contender_names[c],
					profile->name, verdict, expected);
				return -EPROTO;
			}
		}
	}
	for (enum contender c = FLOOR; c < CONTENDERS; c++)
		figures[c] = ipv6 && c == TEXTBOOK ? 0 : quantile(seen[c], ROUNDS, 0.5);
	return 0;
}

static void row_print(enum contender contender, double figures[PROFILES][CONTENDERS], bool ipv6)
{
	printf("  %-30s", contender_names[contender]);
	for (size_t p = 0; p < PROFILES; p++) {
		double above = figures[p][contender] - figures[p][FLOOR];
		double yardstick = figures[p][TEXTBOOK] - figures[p][FLOOR];

		if (contender == FLOOR)
			printf("%9.1f      ", figures[p][FLOOR]);
		else if (ipv6 || contender == TEXTBOOK || !contender_rate(contender))
			printf("%9.1f      ", above);
		else
			printf("%9.1f x%-4.2f", above, above / yardstick);
	}
	printf("\n");
}

static json_t *family_json(double figures[PROFILES][CONTENDERS], bool ipv6)
{
	json_t *family = json_object();

	for (size_t p = 0; p < PROFILES; p++) {
		json_t *profile = json_object();

		for (enum contender c = FLOOR; c < CONTENDERS; c++)
			if (!ipv6 || c != TEXTBOOK)
				json_object_set_new(
					profile, contender_names[c],
					json_real(figures[p][c] -
						  (c == FLOOR ? 0 : figures[p][FLOOR])));
		json_object_set_new(family, profiles[p].key, profile);
	}
	return family;
}

static int family_measure(const struct bench *bench, bool ipv6, json_t *results)
{
	double figures[PROFILES][CONTENDERS];
	struct frame frame = {};
	int generator = generator_of(bench, ipv6, &frame);

	for (size_t p = 0; p < PROFILES; p++) {
		int error =
			profile_measure(bench, &profiles[p], generator, &frame, ipv6, figures[p]);

		if (error)
			return error;
	}
	printf("\nThe decision alone, %s: ns a SYN above the generator%s\n\n  %-30s",
	       ipv6 ? "IPv6" : "IPv4", ipv6 ? "" : ", and as a share of the textbook counter", "");
	for (size_t p = 0; p < PROFILES; p++)
		printf("%9s      ", profiles[p].name);
	printf("\n");
	for (enum contender c = FLOOR; c < CONTENDERS; c++)
		if (!ipv6 || c != TEXTBOOK)
			row_print(c, figures, ipv6);
	json_object_set_new(results, ipv6 ? "ipv6" : "ipv4", family_json(figures, ipv6));
	return 0;
}

struct hammer {
	pthread_t thread;
	pthread_barrier_t *start;
	int generator;
	int cpu;
	const struct frame *frame;
	double ns;
};

/* The generator's steps are each CPU's own: on another one some would come again, as repeats. */
static void stay_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
}

static void *hammer_run(void *argument)
{
	struct hammer *hammer = argument;
	uint32_t verdict;

	stay_on(hammer->cpu);
	pthread_barrier_wait(hammer->start);
	hammer->ns = run(hammer->generator, hammer->frame, 4 * REPEAT, &verdict);
	return NULL;
}

/* The slowest of count threads, one a CPU, all on one source that is over its limit. */
static double hammers_run(const struct bench *bench, int count, const struct frame *frame)
{
	struct hammer hammers[CPUS_MAX];
	pthread_barrier_t start;
	double slowest = 0;

	pthread_barrier_init(&start, NULL, (unsigned)count);
	for (int i = 0; i < count; i++) {
		hammers[i] = (struct hammer){ .start = &start,
					      .cpu = i,
					      .frame = frame,
					      .generator = bpf_program__fd(
						      bench->generator->progs.generate_ipv4) };
		pthread_create(&hammers[i].thread, NULL, hammer_run, &hammers[i]);
	}
	for (int i = 0; i < count; i++) {
		pthread_join(hammers[i].thread, NULL);
		if (hammers[i].ns > slowest)
			slowest = hammers[i].ns;
	}
	pthread_barrier_destroy(&start);
	return slowest;
}

static void hammer_measure(const struct bench *bench, json_t *results)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	double single[CONTENDERS], all[CONTENDERS];
	json_t *json = json_object();
	struct frame frame = {};

	if (cpus > CPUS_MAX)
		cpus = CPUS_MAX;
	frame_ipv4(&frame);
	profile_select(bench, &profiles[0]);
	printf("\nOne source over its limit on every CPU at once (%d): ns a SYN and CPU above the "
	       "generator\n\n",
	       cpus);
	printf("  %-30s%9s%12s%10s\n", "", "one CPU", "every CPU", "ratio");
	for (enum contender c = FLOOR; c < LISTED; c++) {
		double seen_single[ROUNDS], seen_all[ROUNDS];

		contender_select(bench, c);
		for (size_t round = 0; round < ROUNDS; round++) {
			seen_single[round] = hammers_run(bench, 1, &frame);
			seen_all[round] = hammers_run(bench, cpus, &frame);
		}
		single[c] = quantile(seen_single, ROUNDS, 0.5);
		all[c] = quantile(seen_all, ROUNDS, 0.5);
		if (c == FLOOR)
			continue;
		single[c] -= single[FLOOR];
		all[c] -= all[FLOOR];
		printf("  %-30s%9.1f%12.1f%10.2f\n", contender_names[c], single[c], all[c],
		       all[c] / single[c]);
		json_object_set_new(json, contender_names[c],
				    json_pack("{sfsf}", "one_cpu", single[c], "every_cpu", all[c]));
	}
	json_object_set_new(results, "every_cpu", json);
}

static int silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

int main(int argc, char **argv)
{
	struct bench bench = { .settings = settings_make() };
	struct tables listed;
	json_t *results = json_object();
	int error;

	libbpf_set_print(silent);
	stay_on(0);
	bench.generator = generator_bpf__open_and_load();
	if (!bench.generator) {
		fprintf(stderr, "the benchmark needs root and BPF\n");
		return 1;
	}
	error = textbook_load(&bench.textbook);
	if (!error)
		error = synanvil_load(&bench.synanvil[0], &bench.tables, 0);
	if (!error)
		error = synanvil_load(&bench.synanvil[1], &listed, EXCEPTIONS);
	if (!error)
		error = family_measure(&bench, false, results);
	if (!error)
		error = family_measure(&bench, true, results);
	if (!error)
		error = pairs_measure(&bench, results);
	if (!error)
		hammer_measure(&bench, results);
	if (!error && argc == 2)
		error = json_dump_file(results, argv[1], JSON_INDENT(2) | JSON_REAL_PRECISION(5));
	if (error)
		fprintf(stderr, "%s\n", strerror(-error));
	json_decref(results);
	return error != 0;
}
