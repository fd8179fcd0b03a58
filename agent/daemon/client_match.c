/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks packed by prefix length, names sorted by their letters. Of equal ones the first of the
 * list stays; of all that match the first of the list decides.
 */
#include "client_match.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_networks.h"

struct host {
	const char *name;
	client_verdict verdict;
};

struct client_match {
	struct client_networks networks;
	struct host *hosts;
	size_t host_count;
};

static int by_name(const void *a, const void *b)
{
	const struct host *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int by_name_and_verdict(const void *a, const void *b)
{
	const struct host *left = a, *right = b;
	const int order = by_name(a, b);

	return order ? order : left->verdict < right->verdict ? -1 : 1;
}

static size_t hosts_among(const struct config_patterns *patterns)
{
	size_t count = 0;

	for (size_t i = 0; i < patterns->count; i++)
		count += !patterns->items[i].is_prefix;
	return count;
}

/* Sorted, without repetitions. */
static int hosts_init(struct client_match *match, const struct config_patterns *patterns)
{
	const size_t count = hosts_among(patterns);
	size_t used = 0;

	match->hosts = calloc(count + 1, sizeof(*match->hosts));
	if (!match->hosts)
		return -ENOMEM;
	for (size_t i = 0; i < patterns->count; i++)
		if (!patterns->items[i].is_prefix)
			match->hosts[used++] =
				(struct host){ patterns->items[i].host,
					       client_verdict_of(&patterns->items[i], i) };
	qsort(match->hosts, count, sizeof(*match->hosts), by_name_and_verdict);
	used = 0;
	for (size_t i = 0; i < count; i++)
		if (used == 0 || by_name(&match->hosts[used - 1], &match->hosts[i]))
			match->hosts[used++] = match->hosts[i];
	match->host_count = used;
	return 0;
}

static void client_match_cleanup(struct client_match **match)
{
	(void)client_match_free(*match);
}

int client_match_new(const struct config_patterns *patterns, struct client_match **ret_match)
{
	_cleanup_(client_match_cleanup) struct client_match *match = calloc(1, sizeof(*match));
	int error;

	if (!match)
		return -ENOMEM;
	error = client_networks_init(&match->networks, patterns);
	if (!error)
		error = hosts_init(match, patterns);
	if (!error)
		*ret_match = TAKE_PTR(match);
	return error;
}

struct client_match *client_match_free(struct client_match *match)
{
	if (!match)
		return NULL;
	client_networks_done(&match->networks);
	free(match->hosts);
	free(match);
	return NULL;
}

static client_verdict verdict_of_host(const struct client_match *match, const char *name,
				      client_verdict best)
{
	const struct host wanted = { .name = name };
	const struct host *found =
		bsearch(&wanted, match->hosts, match->host_count, sizeof(wanted), by_name);

	return found && found->verdict < best ? found->verdict : best;
}

/* The name itself, and each of its ends that begins with a dot. */
static client_verdict verdict_of_name(const struct client_match *match, const char *name,
				      size_t size, client_verdict best)
{
	char folded[CLIENT_NAME_MAX + 1];

	if (!match->host_count || size == 0 || size > CLIENT_NAME_MAX || memchr(name, '\0', size))
		return best;
	for (size_t i = 0; i < size; i++)
		folded[i] = (char)tolower((unsigned char)name[i]);
	folded[size] = '\0';
	best = verdict_of_host(match, folded, best);
	for (const char *dot = strchr(folded, '.'); dot; dot = strchr(dot + 1, '.'))
		best = verdict_of_host(match, dot, best);
	return best;
}

bool client_match_exempts(const struct client_match *match, const struct sa_address *address,
			  const char *name, size_t name_size)
{
	client_verdict verdict = CLIENT_VERDICT_NONE;

	if (address)
		verdict = client_networks_find(&match->networks, address);
	return client_verdict_exempts(verdict_of_name(match, name, name_size, verdict));
}
