/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What limits of connections add to the decision, while a thousand other sources hold a connection
 * each. It is little beside what one turn differs from the next, and less than what caches, tables
 * and the machine's speed drift within a minute. So turns are short, come in pairs, and only the
 * differences within a pair count.
 */
#include <errno.h>
#include <stdio.h>

#include <bpf/libbpf.h>

#include "decision.h"

#define PAIRS 301
#define TURN  40000U

/* So high that nobody holds as many. */
#define CONNECTIONS 1000000U

/* Of known sources; random ones pass in both. */
static const struct {
	const char *name;
	uint32_t rate;
} rows[] = {
	{ "over its rate", 1 },
	{ "no rate limit: all pass", 0 },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct difference {
	double median, lower, upper; /* quartiles */
};

struct pair {
	const struct bench *bench;
	int generator;
	struct frame frame;
	uint32_t rate;
};

/* Nanoseconds a SYN, or a negative number with errno set. */
static double turn(const struct pair *pair, uint32_t connections, uint32_t repeat)
{
	const struct limits limits = { .rate = pair->rate, .connections = connections };
	uint32_t verdict;

	limits_select(pair->bench, &limits);
	return run(pair->generator, &pair->frame, repeat, &verdict);
}

/* In turns which one is first: none has the warmer caches. */
static int profile_compare(const struct pair *pair, const struct profile *profile,
			   struct difference *ret_difference)
{
	double more[PAIRS];

	profile_select(pair->bench, profile);
	if (turn(pair, CONNECTIONS, profile->warm) < 0)
		return -errno;
	for (size_t i = 0; i < PAIRS; i++) {
		const double first = turn(pair, i % 2 ? 0 : CONNECTIONS, TURN);
		const double second = turn(pair, i % 2 ? CONNECTIONS : 0, TURN);

		if (first < 0 || second < 0)
			return -errno;
		more[i] = i % 2 ? second - first : first - second;
	}
	*ret_difference = (struct difference){ .median = quantile(more, PAIRS, 0.5),
					       .lower = quantile(more, PAIRS, 0.25),
					       .upper = quantile(more, PAIRS, 0.75) };
	return 0;
}

static int row_measure(const struct bench *bench, size_t row, bool ipv6, json_t *results)
{
	struct pair pair = { .bench = bench, .rate = rows[row].rate };
	json_t *json = json_object();

	pair.generator = generator_of(bench, ipv6, &pair.frame);
	printf("  %s, %-24s", ipv6 ? "IPv6" : "IPv4", rows[row].name);
	for (size_t p = 0; p < PROFILES; p++) {
		struct difference more;
		int error = profile_compare(&pair, &profiles[p], &more);

		if (error) {
			json_decref(json);
			return error;
		}
		printf("%7.1f (%.0f to %.0f)", more.median, more.lower, more.upper);
		(void)fflush(stdout);
		json_object_set_new(json, profiles[p].key,
				    json_pack("[fff]", more.lower, more.median, more.upper));
	}
	printf("\n");
	json_object_set_new(results, rows[row].name, json);
	return 0;
}

int pairs_measure(const struct bench *bench, json_t *results)
{
	int error = 0;

	program_select(bench, bpf_program__fd(bench->synanvil[0]->progs.synanvil));
	printf("\nLimits of connections: ns a SYN more than without, median of %u pairs (quartiles)"
	       "\n\n  %-30s",
	       PAIRS, "");
	for (size_t p = 0; p < PROFILES; p++)
		printf("%9s        ", profiles[p].name);
	printf("\n");
	for (unsigned ipv6 = 0; !error && ipv6 < 2; ipv6++) {
		json_t *family = json_object();

		for (size_t row = 0; !error && row < ROWS; row++)
			error = row_measure(bench, row, ipv6, family);
		json_object_set_new(results, ipv6 ? "connections_ipv6" : "connections_ipv4",
				    family);
	}
	return error;
}
