/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Patterns sorted by kind: prefixes by length and address, names by their letters. Of equal ones
 * the first of the list stays; of all that match the first of the list decides.
 */
#include "client_match.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* A pattern and its place in the list. */
struct network {
	struct prefix prefix;
	uint32_t place;
};

struct host {
	const char *name;
	uint32_t place;
};

#define PREFIX_LENGTHS 129

struct client_match {
	struct network *networks; /* by length, then address */
	struct host *hosts;
	bool *exempts; /* by place */
	size_t network_count;
	size_t host_count;
	size_t first[PREFIX_LENGTHS + 1]; /* of each length, in networks */
};

static int by_prefix(const void *a, const void *b)
{
	const struct network *left = a, *right = b;

	if (left->prefix.length != right->prefix.length)
		return left->prefix.length < right->prefix.length ? -1 : 1;
	return memcmp(left->prefix.address, right->prefix.address, sizeof(left->prefix.address));
}

static int by_prefix_and_place(const void *a, const void *b)
{
	const struct network *left = a, *right = b;
	const int order = by_prefix(a, b);

	return order ? order : left->place < right->place ? -1 : 1;
}

static int by_name(const void *a, const void *b)
{
	const struct host *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int by_name_and_place(const void *a, const void *b)
{
	const struct host *left = a, *right = b;
	const int order = by_name(a, b);

	return order ? order : left->place < right->place ? -1 : 1;
}

static void collect(struct client_match *match, const struct config_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const struct config_pattern *pattern = &patterns->items[i];

		match->exempts[i] = !pattern->negated;
		if (pattern->is_prefix)
			match->networks[match->network_count++] =
				(struct network){ pattern->prefix, (uint32_t)i };
		else
			match->hosts[match->host_count++] =
				(struct host){ pattern->host, (uint32_t)i };
	}
}

/* Sorted arrays without repetitions. */
static void arrange(struct client_match *match)
{
	size_t used = 0, length = 0;

	qsort(match->networks, match->network_count, sizeof(*match->networks), by_prefix_and_place);
	for (size_t i = 0; i < match->network_count; i++)
		if (used == 0 || by_prefix(&match->networks[used - 1], &match->networks[i]))
			match->networks[used++] = match->networks[i];
	match->network_count = used;
	for (size_t i = 0; i < used; i++)
		while (length <= match->networks[i].prefix.length)
			match->first[length++] = i;
	while (length <= PREFIX_LENGTHS)
		match->first[length++] = used;
	used = 0;
	qsort(match->hosts, match->host_count, sizeof(*match->hosts), by_name_and_place);
	for (size_t i = 0; i < match->host_count; i++)
		if (used == 0 || by_name(&match->hosts[used - 1], &match->hosts[i]))
			match->hosts[used++] = match->hosts[i];
	match->host_count = used;
}

static void client_match_cleanup(struct client_match **match)
{
	(void)client_match_free(*match);
}

int client_match_new(const struct config_patterns *patterns, struct client_match **ret_match)
{
	_cleanup_(client_match_cleanup) struct client_match *match = calloc(1, sizeof(*match));

	if (!match)
		return -ENOMEM;
	match->networks = calloc(patterns->count + 1, sizeof(*match->networks));
	match->hosts = calloc(patterns->count + 1, sizeof(*match->hosts));
	match->exempts = calloc(patterns->count + 1, sizeof(*match->exempts));
	if (!match->networks || !match->hosts || !match->exempts)
		return -ENOMEM;
	collect(match, patterns);
	arrange(match);
	*ret_match = TAKE_PTR(match);
	return 0;
}

struct client_match *client_match_free(struct client_match *match)
{
	if (!match)
		return NULL;
	free(match->networks);
	free(match->hosts);
	free(match->exempts);
	free(match);
	return NULL;
}

/* IPv6 prefixes shorter than that of the mapped addresses hold no IPv4. */
static uint32_t place_of_address(const struct client_match *match, const struct sa_address *address,
				 uint32_t best)
{
	struct network wanted = { 0 };

	prefix_of(address, 128, &wanted.prefix);
	for (size_t length = prefix_is_ipv4(&wanted.prefix) ? 96 : 0; length < PREFIX_LENGTHS;
	     length++) {
		const size_t count = match->first[length + 1] - match->first[length];
		const struct network *found;

		if (!count)
			continue;
		prefix_of(address, (uint8_t)length, &wanted.prefix);
		found = bsearch(&wanted, &match->networks[match->first[length]], count,
				sizeof(wanted), by_prefix);
		if (found && found->place < best)
			best = found->place;
	}
	return best;
}

static uint32_t place_of_host(const struct client_match *match, const char *name, uint32_t best)
{
	const struct host wanted = { .name = name };
	const struct host *found =
		bsearch(&wanted, match->hosts, match->host_count, sizeof(wanted), by_name);

	return found && found->place < best ? found->place : best;
}

/* The name itself, and each of its ends that begins with a dot. */
static uint32_t place_of_name(const struct client_match *match, const char *name, size_t size,
			      uint32_t best)
{
	char folded[CLIENT_NAME_MAX + 1];

	if (!match->host_count || size == 0 || size > CLIENT_NAME_MAX || memchr(name, '\0', size))
		return best;
	for (size_t i = 0; i < size; i++)
		folded[i] = (char)tolower((unsigned char)name[i]);
	folded[size] = '\0';
	best = place_of_host(match, folded, best);
	for (const char *dot = strchr(folded, '.'); dot; dot = strchr(dot + 1, '.'))
		best = place_of_host(match, dot, best);
	return best;
}

bool client_match_exempts(const struct client_match *match, const struct sa_address *address,
			  const char *name, size_t name_size)
{
	uint32_t place = UINT32_MAX;

	if (address)
		place = place_of_address(match, address, place);
	place = place_of_name(match, name, name_size, place);
	return place != UINT32_MAX && match->exempts[place];
}
