/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources between limits, and sums from the top.
 */
#include "advice.h"

#include "synanvil/limits.h"

/* Steps of a third to a half: finer ones would pretend to know more than a few windows say. */
static const uint32_t series[] = {
	ADVICE_FIRST, 7,      10,     15,     20,      30,      50,      70,       100,
	150,          200,    300,    500,    700,     1000,    1500,    2000,     3000,
	5000,         7000,   10000,  15000,  20000,   30000,   50000,   70000,    100000,
	150000,       200000, 500000, 700000, 1000000, 2000000, 5000000, 10000000,
};

#define SERIES (sizeof(series) / sizeof(series[0]))

_Static_assert(SERIES + 2 <= ADVICE_EDGES_MAX, "the limit in force, and the end, have no room");

void advice_begin(struct advice *advice, uint32_t limit)
{
	size_t count = 0;

	*advice = (struct advice){ 0 };
	for (size_t i = 0; i < SERIES; i++) {
		if (limit && limit <= series[i] && (!count || advice->edges[count - 1] < limit))
			advice->edges[count++] = limit;
		if (!count || advice->edges[count - 1] < series[i])
			advice->edges[count++] = series[i];
	}
	if (limit > series[SERIES - 1])
		advice->edges[count++] = limit;
	/* Nobody is over the last one: counters end there. */
	advice->edges[count++] = SA_COUNT_MAX;
	advice->edge_count = count;
}

void advice_count(struct advice *advice, uint32_t attempts, bool delivering)
{
	struct advice_bin *bin;
	size_t from = 0, to = advice->edge_count;

	if (!attempts)
		return;
	/* How many edges are below attempts. */
	while (from < to) {
		const size_t middle = (from + to) / 2;

		if (advice->edges[middle] < attempts)
			from = middle + 1;
		else
			to = middle;
	}
	bin = &advice->bins[from];
	bin->sources++;
	bin->attempts += attempts;
	if (attempts > advice->busiest)
		advice->busiest = attempts;
	if (!delivering)
		return;
	bin->delivering++;
	if (attempts > advice->busiest_delivering)
		advice->busiest_delivering = attempts;
}

/* All of the bins from first on, as beyond limit. */
static void beyond(const struct advice *advice, size_t first, uint32_t limit,
		   struct advice_candidate *ret_candidate)
{
	*ret_candidate = (struct advice_candidate){ .limit = limit };
	for (size_t i = first; i <= advice->edge_count; i++) {
		const struct advice_bin *bin = &advice->bins[i];

		ret_candidate->sources_over += bin->sources;
		ret_candidate->attempts_over += bin->attempts - bin->sources * limit;
		ret_candidate->delivering_sources_over += bin->delivering;
	}
}

void advice_total(const struct advice *advice, struct advice_candidate *ret_all)
{
	beyond(advice, 0, 0, ret_all);
}

void advice_candidate(const struct advice *advice, size_t index,
		      struct advice_candidate *ret_candidate)
{
	beyond(advice, index + 1, advice->edges[index], ret_candidate);
}

/* Of the series itself: what is in force is no argument for itself. */
static uint32_t round_up(uint64_t limit)
{
	for (size_t i = 0; i < SERIES; i++)
		if (series[i] >= limit && series[i] >= ADVICE_LEAST)
			return series[i];
	return SA_RATE_LIMIT_MAX;
}

/* The smallest limit of the series that at most one source in a thousand was over. */
static uint32_t nearly_all(const struct advice *advice, uint64_t sources)
{
	for (size_t i = 0; i < advice->edge_count; i++) {
		struct advice_candidate candidate;

		advice_candidate(advice, i, &candidate);
		if (candidate.sources_over <= sources / 1000)
			return advice->edges[i] < advice->busiest ? advice->edges[i]
								  : advice->busiest;
	}
	return advice->busiest;
}

uint32_t advice_recommend(const struct advice *advice, enum advice_basis *ret_basis)
{
	struct advice_candidate all;

	advice_total(advice, &all);
	if (all.delivering_sources_over >= ADVICE_DELIVERING_MIN) {
		*ret_basis = ADVICE_FROM_DELIVERING;
		return round_up(2ULL * advice->busiest_delivering);
	}
	if (all.sources_over >= ADVICE_SOURCES_MIN) {
		*ret_basis = ADVICE_FROM_SOURCES;
		return round_up(2ULL * nearly_all(advice, all.sources_over));
	}
	*ret_basis = ADVICE_NONE;
	return 0;
}
