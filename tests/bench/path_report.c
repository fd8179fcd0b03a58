/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the whole-path benchmark has seen, as a table for people and as JSON.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"

/* A contender that let more than this through has not been measured dropping. */
#define DROPPED_MIN 0.99

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_ns(const struct results *results, enum profile_id profile,
			enum contender contender)
{
	double values[PATH_ROUNDS_MAX];

	for (size_t i = 0; i < results->rounds; i++)
		values[i] = results->turns[profile][contender][i].ns;
	qsort(values, results->rounds, sizeof(*values), by_value);
	return values[results->rounds / 2];
}

static double above_floor(const struct results *results, enum profile_id profile,
			  enum contender contender)
{
	return median_ns(results, profile, contender) - median_ns(results, profile, FLOOR);
}

static double least_dropped(const struct results *results, enum profile_id profile,
			    enum contender contender)
{
	double least = 1;

	for (size_t i = 0; i < results->rounds; i++)
		if (results->turns[profile][contender][i].dropped < least)
			least = results->turns[profile][contender][i].dropped;
	return least;
}

static bool is_valid(const struct results *results, enum profile_id profile,
		     enum contender contender)
{
	return least_dropped(results, profile, contender) > DROPPED_MIN;
}

/* The better of nft's two hooks, as far as they are valid; 0 if none is. */
static double nft_best(const struct results *results, enum profile_id profile)
{
	double best = 0;

	for (enum contender c = NFT_INGRESS; c <= NFT_PREROUTING; c++) {
		double above = above_floor(results, profile, c);

		if (is_valid(results, profile, c) && (!best || above < best))
			best = above;
	}
	return best;
}

static void cell_print(const struct results *results, enum profile_id profile,
		       enum contender contender)
{
	double above = above_floor(results, profile, contender);
	double nft = nft_best(results, profile);

	if (!is_valid(results, profile, contender))
		printf("   invalid (a)  ");
	else if (contender == FLOOR)
		printf("%8.0f        ", median_ns(results, profile, contender));
	else if (!nft)
		printf("%8.0f        ", above);
	else
		printf("%8.0f  x%-4.2f ", above, above / nft);
}

static bool invalid_explain(const struct results *results)
{
	bool valid = true;

	for (enum contender c = FLOOR; c < CONTENDERS; c++) {
		for (enum profile_id p = ONE; p < PROFILES; p++) {
			if (is_valid(results, p, c))
				continue;
			printf("  (a) %s, %s: dropped only %.1f %% of what was sent\n",
			       results->names[c], results->profiles[p].name,
			       100 * least_dropped(results, p, c));
			valid = false;
		}
	}
	return valid;
}

bool report_print(const struct results *results)
{
	printf("\nThe whole path: ns a SYN above the floor, and as a share of nft's better hook\n\n"
	       "  %-36s",
	       "");
	for (enum profile_id p = ONE; p < PROFILES; p++)
		printf("%10s      ", results->profiles[p].name);
	printf("\n");
	for (enum contender c = FLOOR; c < CONTENDERS; c++) {
		printf("  %-36s", results->names[c]);
		for (enum profile_id p = ONE; p < PROFILES; p++)
			cell_print(results, p, c);
		printf("\n");
	}
	printf("\n  random: a new source each time. nft's sets hold all of them; in the last "
	       "column they "
	       "are\n  full, and limit no source that they do not hold. The XDP tables are full in "
	       "both.\n");
	return invalid_explain(results);
}

static json_t *contender_json(const struct results *results, enum profile_id profile,
			      enum contender contender)
{
	double above = above_floor(results, profile, contender);
	double nft = nft_best(results, profile);
	json_t *rounds = json_array();

	for (size_t i = 0; i < results->rounds; i++)
		json_array_append_new(rounds, json_real(results->turns[profile][contender][i].ns));
	return json_pack("{s:f, s:f, s:o, s:f, s:b, s:o}", "ns",
			 median_ns(results, profile, contender), "above_floor_ns", above, "of_nft",
			 nft ? json_real(above / nft) : json_null(), "dropped_share",
			 least_dropped(results, profile, contender), "valid",
			 is_valid(results, profile, contender), "rounds_ns", rounds);
}

int report_write(const struct results *results, const char *file)
{
	json_t *all =
		json_pack("{s:i, s:i, s:i, s:i}", "limit", PATH_LIMIT, "unit_seconds", PATH_UNIT_S,
			  "frames", (int)results->frames, "rounds", (int)results->rounds);
	json_t *profiles = json_object();
	int error;

	for (enum profile_id p = ONE; p < PROFILES; p++) {
		json_t *profile = json_object();

		for (enum contender c = FLOOR; c < CONTENDERS; c++)
			json_object_set_new(profile, results->keys[c],
					    contender_json(results, p, c));
		json_object_set_new(profiles, results->profiles[p].key, profile);
	}
	json_object_set_new(all, "sources", profiles);
	error = json_dump_file(all, file, JSON_INDENT(2) | JSON_REAL_PRECISION(5)) ? -EIO : 0;
	json_decref(all);
	return error;
}
