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

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "generator.skel.h"
#include "synanvil.skel.h"
#include "synanvil/live.h"
#include "tables.h"
#include "textbook.skel.h"
#include "tick.h"

#define ROUNDS     7
#define REPEAT     2000000
#define EXCEPTIONS 10000
#define TABLE      1048576
#define CPUS_MAX   64
#define UNIT_MS    86400000U

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

struct frame {
	uint8_t bytes[128];
	uint32_t size;
};

static void frame_ipv4(struct frame *frame)
{
	struct ethhdr ethernet = { .h_proto = htobe16(ETH_P_IP) };
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = 6 };
	struct tcphdr tcp = { .syn = 1, .doff = 5, .dest = htobe16(25) };

	ip.tot_len = htobe16(sizeof(ip) + sizeof(tcp));
	ip.daddr = htobe32(0x0a000001);
	memcpy(frame->bytes, &ethernet, sizeof(ethernet));
	memcpy(frame->bytes + sizeof(ethernet), &ip, sizeof(ip));
	memcpy(frame->bytes + sizeof(ethernet) + sizeof(ip), &tcp, sizeof(tcp));
	frame->size = sizeof(ethernet) + sizeof(ip) + sizeof(tcp);
}

static void frame_ipv6(struct frame *frame)
{
	struct ethhdr ethernet = { .h_proto = htobe16(ETH_P_IPV6) };
	struct ipv6hdr ip = { .version = 6, .nexthdr = 6, .hop_limit = 64 };
	struct tcphdr tcp = { .syn = 1, .doff = 5, .dest = htobe16(25) };

	ip.payload_len = htobe16(sizeof(tcp));
	ip.saddr.s6_addr[0] = 0x20;
	ip.saddr.s6_addr[1] = 0x01;
	ip.daddr.s6_addr[0] = 0x20;
	memcpy(frame->bytes, &ethernet, sizeof(ethernet));
	memcpy(frame->bytes + sizeof(ethernet), &ip, sizeof(ip));
	memcpy(frame->bytes + sizeof(ethernet) + sizeof(ip), &tcp, sizeof(tcp));
	frame->size = sizeof(ethernet) + sizeof(ip) + sizeof(tcp);
}

/* Frames of the "10,000 exceptions" row: prefixes beside the sources, so that no source is exempt.
 */
static void exceptions_make(struct exception_entry *entries)
{
	uint32_t number = 1;

	for (size_t i = 0; i < EXCEPTIONS; i++) {
		struct sa_address address;
		uint32_t words[4] = { 0, 0, htobe32(0xffff), 0 };

		number = number * 1664525 + 1013904223;
		words[3] = htobe32(0x20000000 + (number >> 3 & 0x7fffff00));
		if (i % 4 == 0) {
			words[0] = htobe32(0x2a000000 + (number >> 8));
			words[1] = words[2] = words[3] = 0;
		}
		memcpy(&address, words, sizeof(address));
		prefix_of(&address, i % 4 ? 120 : 32, &entries[i].prefix);
		entries[i].value = SA_EXCEPTION_EXEMPT;
	}
}

static int tables_of(struct synanvil_bpf *object, struct tables *tables)
{
	*tables = (struct tables){
		.active = bpf_map__fd(object->maps.active),
		.settings = bpf_map__fd(object->maps.settings),
		.configured = bpf_map__fd(object->maps.configured),
		.runtime = bpf_map__fd(object->maps.runtime),
		.blocks = bpf_map__fd(object->maps.blocks),
		.filters = bpf_map__fd(object->maps.filters),
		.generation = bpf_map__fd(object->maps.generation),
		.sources = bpf_map__fd(object->maps.sources),
		.blocked_sources = bpf_map__fd(object->maps.blocked_sources),
		.counters = bpf_map__fd(object->maps.counters),
		.totals = bpf_map__fd(object->maps.totals),
		.events = bpf_map__fd(object->maps.events),
		.cpus = (unsigned)libbpf_num_possible_cpus(),
		.source_capacity = TABLE,
	};
	return 0;
}

static struct sa_settings settings_make(void)
{
	struct sa_settings settings = {
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.rate_unit_ms = UNIT_MS,
		.enforcement = SA_ENFORCE,
		.service_count = 1,
		.cache_classification = 1,
		.services[0] = { .port_be = htobe16(25),
				 .any_address = 1,
				 .id = 1,
				 .rate_limit = 1 },
	};
	uint32_t mask6[4] = { ~0U, ~0U, htobe32(0xfffff000), 0 };

	memcpy(&settings.mask_ipv6, mask6, sizeof(mask6));
	return settings;
}

/*
 * Limits of connections hold, and a thousand sources that send nothing now have one each: most
 * others then miss the counts in front of the table, some do not.
 */
static int connections_make(const struct synanvil_bpf *object)
{
	static struct sa_live_totals totals = { .seed = 1, .holds_until_ms = SA_LIVE_ALWAYS };
	int live = bpf_map__fd(object->maps.live);
	uint32_t zero = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		const struct sa_source_key key = {
			.address = { 0x20, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i },
			.service = 1
		};
		struct sa_live_place place = sa_live_place(totals.seed, &key, 0);
		struct sa_live_bucket bucket;

		if (bpf_map_lookup_elem(live, &place.bucket, &bucket))
			return -errno;
		if (!sa_live_add(&bucket, place.digest))
			continue;
		*sa_live_hint(&totals, place.bucket) += 1;
		if (bpf_map_update_elem(live, &place.bucket, &bucket, BPF_ANY))
			return -errno;
	}
	return bpf_map_update_elem(bpf_map__fd(object->maps.live_totals), &zero, &totals, BPF_ANY)
		       ? -errno
		       : 0;
}

static int synanvil_load(struct synanvil_bpf **ret_object, struct tables *ret_tables,
			 size_t exceptions)
{
	const struct sa_settings settings = settings_make();
	struct exception_entry *entries = calloc(EXCEPTIONS, sizeof(*entries));
	struct synanvil_bpf *object = synanvil_bpf__open();
	struct tick tick;
	int error;

	if (!object || !entries)
		return -ENOMEM;
	bpf_map__set_max_entries(object->maps.sources,
				 SA_SOURCE_ENTRIES(TABLE, (uint32_t)libbpf_num_possible_cpus()));
	if (!tick_measure(&tick)) {
		object->rodata->tick_scale = tick.scale;
		object->rodata->tick_offset_ms = tick.offset_ms;
	}
	error = synanvil_bpf__load(object);
	if (error)
		return error;
	tables_of(object, ret_tables);
	exceptions_make(entries);
	error = tables_configuration_switch(ret_tables, &settings, entries, exceptions);
	free(entries);
	*ret_object = object;
	return error ? error : connections_make(object);
}

static int textbook_load(struct textbook_bpf **ret_object)
{
	struct textbook_bpf *object = textbook_bpf__open();

	if (!object)
		return -ENOMEM;
	object->rodata->textbook_limit = 1;
	object->rodata->textbook_unit_ns = UNIT_MS * 1000000ULL;
	*ret_object = object;
	return textbook_bpf__load(object);
}

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
