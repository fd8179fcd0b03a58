/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A full source table. A source at its limit stays dropped while fewer than source_table_size other
 * new sources come; a source within its limit is never dropped, however many come.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab_live.h"
#include "storms.h"

#define VICTIM    "192.0.2.77"
#define STEPS     64U
#define STRANGERS (1U << 20)
#define MEASURED  4U /* times the table's size: so far a victim is looked for */

enum flood {
	FLOOD_FIRST_CPU,
	FLOOD_LAST_CPU,
	FLOOD_ALL_CPUS,
};

struct scene {
	const char *name;
	uint32_t size;
	enum flood flood;
	uint32_t in_a_row; /* attempts of each source of the flood */
	uint32_t again; /* older sources were there before; percent of them that were seen again */
	bool full;      /* the flood comes while the service is full */
};

#define SMALL 1024
#define LARGE 65536

static const struct scene scenes[] = {
	{ "1,024: one CPU", SMALL, FLOOD_FIRST_CPU, 1, 0, false },
	{ "1,024: another CPU", SMALL, FLOOD_LAST_CPU, 1, 0, false },
	{ "1,024: all CPUs", SMALL, FLOOD_ALL_CPUS, 1, 0, false },
	{ "1,024: one CPU, twice each", SMALL, FLOOD_FIRST_CPU, 2, 0, false },
	{ "1,024: all CPUs, twice each", SMALL, FLOOD_ALL_CPUS, 2, 0, false },
	{ "1,024, filled: one CPU", SMALL, FLOOD_FIRST_CPU, 1, 50, false },
	{ "1,024, filled: another CPU", SMALL, FLOOD_LAST_CPU, 1, 50, false },
	{ "1,024, filled: all CPUs", SMALL, FLOOD_ALL_CPUS, 1, 50, false },
	{ "1,024, filled: one CPU, twice each", SMALL, FLOOD_FIRST_CPU, 2, 50, false },
	{ "1,024, filled: all CPUs, twice each", SMALL, FLOOD_ALL_CPUS, 2, 50, false },
	{ "65,536: one CPU", LARGE, FLOOD_FIRST_CPU, 1, 0, false },
	{ "65,536: all CPUs", LARGE, FLOOD_ALL_CPUS, 1, 0, false },
	{ "65,536, filled: one CPU", LARGE, FLOOD_FIRST_CPU, 1, 50, false },
	{ "65,536, filled: another CPU", LARGE, FLOOD_LAST_CPU, 1, 50, false },
	{ "65,536, filled: all CPUs", LARGE, FLOOD_ALL_CPUS, 1, 50, false },
	{ "65,536, filled: all CPUs, twice each", LARGE, FLOOD_ALL_CPUS, 2, 50, false },
	{ "65,536: all CPUs, the service full", LARGE, FLOOD_ALL_CPUS, 1, 0, true },
	{ "65,536, filled: one CPU, the service full", LARGE, FLOOD_FIRST_CPU, 1, 50, true },
	{ "65,536, filled: all CPUs, the service full", LARGE, FLOOD_ALL_CPUS, 1, 50, true },
	{ "65,536, all seen again: one CPU", LARGE, FLOOD_FIRST_CPU, 1, 100, false },
	{ "65,536, all seen again: all CPUs", LARGE, FLOOD_ALL_CPUS, 1, 100, false },
};

#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

static uint64_t inserts(const struct lab *lab)
{
	struct sa_totals totals;

	assert_int_equal(tables_totals_read(&lab->tables, &totals), 0);
	return totals.source_inserts;
}

/* A number of sources, from the address first on, each so often in a row, by some CPUs. */
static void flood(struct storms *storms, enum flood flood, uint32_t first, uint32_t sources,
		  uint32_t in_a_row)
{
	unsigned count = storms_count(storms);
	unsigned from = flood == FLOOD_LAST_CPU ? count - 1 : 0;
	unsigned to = flood == FLOOD_FIRST_CPU ? 1 : count;

	for (unsigned i = from; i < to; i++) {
		uint32_t begin = (uint32_t)((uint64_t)sources * (i - from) / (to - from));
		uint32_t end = (uint32_t)((uint64_t)sources * (i - from + 1) / (to - from));
		const struct storm_plan plan = { .source = first + begin,
						 .sources = UINT32_MAX,
						 .in_a_row = in_a_row };

		storms_plan(storms, i, &plan, (end - begin) * in_a_row);
	}
	storms_go(storms);
	storms_wait(storms);
}

/*
 * Fills the table and half again, then lets a part of what is there come once more: Linux keeps
 * those on a list of their own, which takes room from what is new.
 */
static void fill(const struct lab *lab, struct storms *storms, uint32_t again)
{
	uint32_t count = (uint32_t)((uint64_t)lab->entries * again / 100);
	const uint32_t first = STORM_ADDRESS(20, 0, 0, 0);

	flood(storms, FLOOD_ALL_CPUS, first, lab->entries + lab->entries / 2, 1);
	flood(storms, FLOOD_ALL_CPUS, first + lab->entries * 3 / 2 - count, count, 1);
}

/* Looking without being seen: a look-up by system call does not make an entry recent. */
static bool is_known(const struct lab *lab)
{
	struct sa_source source;

	return lab_source(lab, VICTIM, &lab->settings.services[0], &source);
}

/* How many new sources it takes until the victim is forgotten, in steps. */
static uint32_t forgotten_after(const struct lab *lab, struct storms *storms,
				const struct scene *scene)
{
	uint32_t step = scene->size / STEPS, sent = 0;

	while (is_known(lab) && sent < MEASURED * scene->size) {
		flood(storms, scene->flood, STORM_ADDRESS(30, 0, 0, 0) + sent, step,
		      scene->in_a_row);
		sent += step;
	}
	return sent;
}

static void service_fills(struct lab *lab, bool full)
{
	struct sa_service *service = &lab->settings.services[0];

	service->process_limit = full;
	lab_apply(lab);
	lab_set_service_live(lab, service, full);
	lab_hold_live(lab, SA_LIVE_ALWAYS);
}

/* A victim with a limit of one is the hardest to keep: its entry was never looked up. */
static void scene_begin(const struct scene *scene, uint32_t limit, struct lab **ret_lab,
			struct storms **ret_storms)
{
	struct lab *lab = lab_new(scene->size);

	assert_non_null(lab);
	*ret_storms = storms_new(lab);
	lab->settings.services[0].rate_limit = limit;
	lab_apply(lab);
	if (scene->again)
		fill(lab, *ret_storms, scene->again);
	assert_int_equal(lab_attempts(lab, VICTIM, 25, limit), limit);
	if (scene->full)
		service_fills(lab, true);
	*ret_lab = lab;
}

/* Where all of the table was seen again, Linux' LRU gives a new source less. */
static uint32_t bound(const struct scene *scene)
{
	return scene->again == 100 ? scene->size / 4 : scene->size;
}

/* What passed of the victim after one new source less than the bound. */
static unsigned passed_at_bound(const struct scene *scene, uint32_t limit)
{
	struct lab *lab;
	struct storms *storms;
	uint64_t before;
	unsigned passed;

	scene_begin(scene, limit, &lab, &storms);
	before = inserts(lab);
	flood(storms, scene->flood, STORM_ADDRESS(40, 0, 0, 0), bound(scene) - 1, scene->in_a_row);
	assert_int_equal(inserts(lab) - before, bound(scene) - 1);
	if (scene->full)
		service_fills(lab, false);
	passed = lab_attempts(lab, VICTIM, 25, 1);
	storms_free(storms);
	lab_free(lab);
	return passed;
}

static uint32_t measured(const struct scene *scene, uint32_t limit)
{
	struct lab *lab;
	struct storms *storms;
	uint32_t found;

	scene_begin(scene, limit, &lab, &storms);
	found = forgotten_after(lab, storms, scene);
	storms_free(storms);
	lab_free(lab);
	return found;
}

static void run_scene(const struct scene *scene, uint32_t limit)
{
	unsigned passed = passed_at_bound(scene, limit);
	uint32_t found = measured(scene, limit);

	print_message("%s, limit %u: forgotten after %u new sources%s\n", scene->name, limit, found,
		      found >= MEASURED * scene->size ? " or more" : "");
	assert_int_equal(passed, 0);
	assert_true(found >= bound(scene));
}

static void test_bound(void **state)
{
	run_scene(*state, 1);
	run_scene(*state, LAB_LIMIT);
}

static uint64_t dropped(const struct lab *lab)
{
	struct lab_totals totals;

	lab_totals(lab, &totals);
	return totals.outcomes[SA_REASON_RATE] + totals.outcomes[SA_REASON_BLOCKED];
}

static void set_limit(struct lab *lab, uint32_t limit)
{
	lab->settings.services[0].rate_limit = limit;
	lab_apply(lab);
}

/* Each source makes exactly its limit, from all CPUs together, a hundred times the table's size. */
static void within_limits(struct lab *lab, uint32_t in_a_row, bool scattered)
{
	struct storms *storms = storms_new(lab);
	const struct storm_plan plan = {
		.source = STORM_ADDRESS(50, 0, 0, 0),
		.sources = STRANGERS,
		.in_a_row = in_a_row,
		.scattered = scattered,
	};
	uint64_t before = dropped(lab);

	set_limit(lab, in_a_row * storms_count(storms));
	storms_burst(storms, &plan, STRANGERS * in_a_row);
	assert_int_equal(dropped(lab), before);
	storms_free(storms);
}

/* Every CPU has sources of its own, each of which comes once. */
static void test_once_each(void **state)
{
	struct lab *lab = *state;
	struct storms *storms = storms_new(lab);
	uint64_t before = dropped(lab);

	set_limit(lab, 1);
	flood(storms, FLOOD_ALL_CPUS, STORM_ADDRESS(60, 0, 0, 0), 2 * STRANGERS, 1);
	assert_int_equal(dropped(lab), before);
	storms_free(storms);
}

static void test_once_from_each_cpu(void **state)
{
	within_limits(*state, 1, false);
}

static void test_once_from_each_cpu_scattered(void **state)
{
	within_limits(*state, 1, true);
}

static void test_three_in_a_row(void **state)
{
	within_limits(*state, 3, true);
}

/* The CPUs visit the same sources in different orders: old entries are used while others go. */
static void test_different_orders(void **state)
{
	struct lab *lab = *state;
	struct storms *storms = storms_new(lab);
	uint64_t before = dropped(lab);

	set_limit(lab, storms_count(storms));
	for (unsigned i = 0; i < storms_count(storms); i++) {
		const struct storm_plan plan = {
			.source = STORM_ADDRESS(70, 0, 0, 0),
			.sources = STRANGERS,
			.in_a_row = 1,
			.scattered = i % 2,
		};

		storms_plan(storms, i, &plan, STRANGERS);
	}
	storms_go(storms);
	storms_wait(storms);
	assert_int_equal(dropped(lab), before);
	storms_free(storms);
}

/* A table of little more than what two CPUs hold back: the same few sources come and go all the
 * time. */
static void test_few_sources_often(void **state)
{
	struct lab *lab = *state;
	struct storms *storms = storms_new(lab);
	const struct storm_plan plan = { .source = STORM_ADDRESS(80, 0, 0, 0),
					 .sources = 4096,
					 .in_a_row = 1 };
	uint64_t before = dropped(lab);
	const uint32_t rounds = 200;

	set_limit(lab, rounds * storms_count(storms));
	storms_burst(storms, &plan, rounds * plan.sources);
	assert_int_equal(dropped(lab), before);
	storms_free(storms);
}

int main(void)
{
	struct CMUnitTest within[] = {
		LAB_TEST(test_once_each),
		LAB_TEST(test_once_from_each_cpu),
		LAB_TEST(test_once_from_each_cpu_scattered),
		LAB_TEST(test_three_in_a_row),
		LAB_TEST(test_different_orders),
		LAB_TEST(test_few_sources_often),
	};
	struct CMUnitTest bounds[SCENES];
	int failed = LAB_RUN("within limits under pressure", within);

	for (size_t i = 0; i < SCENES; i++)
		bounds[i] = (struct CMUnitTest){ .name = scenes[i].name,
						 .test_func = test_bound,
						 .initial_state = (void *)&scenes[i] };
	if (!lab_available("table pressure"))
		lab_skip(bounds, SCENES);
	return failed + _cmocka_run_group_tests("table pressure", bounds, SCENES, NULL, NULL);
}
