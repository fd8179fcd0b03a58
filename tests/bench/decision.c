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
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "decision.h"
#include "generator.skel.h"

#define ROUNDS   7
#define REPEAT   2000000
#define CPUS_MAX 64

enum contender { FLOOR, TEXTBOOK, BARE, LISTED, BARE_LIVE, OPEN, OPEN_LIVE, CONTENDERS };

static const char *const contender_names[CONTENDERS] = {
	[FLOOR] = "generator",
	[TEXTBOOK] = "textbook",
	[BARE] = "synanvil",
	[LISTED] = "synanvil, 10,000 exceptions",
	[BARE_LIVE] = "synanvil, connections limited",
	[OPEN] = "no rate limit: all pass",
	[OPEN_LIVE] = "the same, connections limited",
};

/* What the first object is to limit for a contender; so high that nobody holds as many. */
#define CONNECTIONS 1000000U

static uint32_t contender_rate(enum contender contender)
{
	return contender == OPEN || contender == OPEN_LIVE ? 0 : 1;
}

static uint32_t contender_connections(enum contender contender)
{
	return contender == BARE_LIVE || contender == OPEN_LIVE ? CONNECTIONS : 0;
}

struct profile {
	const char *name;
	const char *key;
	uint32_t sources; /* 0: random */
	uint32_t warm;    /* runs until every source is over its limit */
};

static const struct profile profiles[] = {
	{ "one source", "one", 1, 100000 },
	{ "10,000", "10000", 10000, 4000000 },
	{ "1,000,000", "1000000", 1000000, 9000000 },
	{ "random", "random", 0, 2000000 },
};
#define PROFILES (sizeof(profiles) / sizeof(profiles[0]))

struct bench {
	struct generator_bpf *generator;
	struct textbook_bpf *textbook;
	struct synanvil_bpf *synanvil[2]; /* without and with exceptions */
	struct tables tables;             /* of the first */
	struct sa_settings settings;
};

static int contender_fd(const struct bench *bench, enum contender contender)
{
	switch (contender) {
	case TEXTBOOK:
		return bpf_program__fd(bench->textbook->progs.textbook);
	case BARE:
	case BARE_LIVE:
	case OPEN:
	case OPEN_LIVE:
		return bpf_program__fd(bench->synanvil[0]->progs.synanvil);
	case LISTED:
		return bpf_program__fd(bench->synanvil[1]->progs.synanvil);
	default:
		return bpf_program__fd(bench->generator->progs.generator_floor);
	}
}

/* CPU time of the thread: what other work takes of the machine is not the decision's. */
static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds a run, or a negative number on failure; *ret_verdict is that of the last run. */
static double run(int generator, const struct frame *frame, uint32_t repeat, uint32_t *ret_verdict)
{
	struct frame copy = *frame;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = copy.bytes, .data_size_in = copy.size,
		    .repeat = (int)repeat);
	double start = now_ns();

	if (bpf_prog_test_run_opts(generator, &options))
		return -1;
	*ret_verdict = options.retval;
	return (now_ns() - start) / repeat;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

static void limits_select(const struct bench *bench, enum contender contender)
{
	struct sa_settings settings = bench->settings;
	struct tables tables = bench->tables;
	int error;

	settings.services[0].rate_limit = contender_rate(contender);
	settings.services[0].connection_limit = contender_connections(contender);
	settings.services[0].process_limit = contender_connections(contender);
	error = tables_settings_switch(&tables, &settings);
	if (error) {
		fprintf(stderr, "settings: %s\n", strerror(-error));
		exit(1);
	}
}

static void contender_select(const struct bench *bench, enum contender contender)
{
	uint32_t zero = 0;
	int fd = contender_fd(bench, contender);

	limits_select(bench, contender);
	if (bpf_map_update_elem(bpf_map__fd(bench->generator->maps.under_test), &zero, &fd,
				BPF_ANY)) {
		perror("tail call");
		exit(1);
	}
}

static void profile_select(const struct bench *bench, const struct profile *profile)
{
	bench->generator->bss->sources_random = profile->sources == 0;
	bench->generator->data->source_count = profile->sources ? profile->sources : 1;
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
		figures[c] = ipv6 && c == TEXTBOOK ? 0 : median(seen[c], ROUNDS);
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
	int generator = bpf_program__fd(ipv6 ? bench->generator->progs.generate_ipv6
					     : bench->generator->progs.generate_ipv4);
	double figures[PROFILES][CONTENDERS];
	struct frame frame = {};

	if (ipv6)
		frame_ipv6(&frame);
	else
		frame_ipv4(&frame);
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
		single[c] = median(seen_single, ROUNDS);
		all[c] = median(seen_all, ROUNDS);
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
		hammer_measure(&bench, results);
	if (!error && argc == 2)
		error = json_dump_file(results, argv[1], JSON_INDENT(2) | JSON_REAL_PRECISION(5));
	if (error)
		fprintf(stderr, "%s\n", strerror(-error));
	json_decref(results);
	return error != 0;
}
