/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SPF records and DNS data: whatever a domain publishes, terms are within their bounds, a record
 * ends, and an expansion of it keeps within the limits of RFC 7208.
 *
 * The first byte says how the rest is looked at.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spf_dns.h"
#include "spf_expand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	const char *record;
	size_t size;
	unsigned queries;
};

/* Every name has this record, and two addresses. */
static int query(void *context, const char *name, enum spf_type type, struct spf_answer *ret_answer,
		 const char **reterr_why)
{
	struct world *world = context;

	(void)reterr_why;
	if (++world->queries > 1 + SPF_LOOKUPS_MAX * 2 * (1 + SPF_MX_MAX) || strlen(name) > 253)
		abort();
	switch (type) {
	case SPF_TYPE_A:
		return spf_answer_add(ret_answer, "\300\0\2\1", 4);
	case SPF_TYPE_AAAA:
		return spf_answer_add(ret_answer, " \1\r\270\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	case SPF_TYPE_MX:
		return spf_answer_add(ret_answer, "m.example", 9);
	case SPF_TYPE_TXT:
		break;
	}
	return spf_answer_add(ret_answer, world->record, world->size);
}

static void note(void *context, const char *line)
{
	(void)context;
	if (strlen(line) >= SPF_WHY_SIZE)
		abort();
}

static void expand(const char *record, size_t size)
{
	struct world world = { record, size, 0 };
	const struct spf_resolver resolver = { query, note, &world };
	struct spf_networks networks = { 0 };
	const struct prefix *network;
	char why[SPF_WHY_SIZE] = "";

	if (spf_expand(&resolver, "x.example", &networks, why)) {
		if (!*why || networks.items)
			abort();
		return;
	}
	if (!networks.count || spf_networks_absurd(&networks, &network))
		abort();
	spf_networks_done(&networks);
}

static void read_record(const char *record, size_t size)
{
	struct spf_reader reader;
	struct spf_term term;
	const char *why = NULL;
	size_t terms = 0;
	int more;

	if (!spf_record_is(record, size))
		return;
	spf_record_begin(&reader, record, size);
	while ((more = spf_record_next(&reader, &term, &why)) > 0) {
		if (++terms > size || term.ipv4_length > 32 || term.ipv6_length > 128 ||
		    term.network.length > 128 || (term.macro && *term.domain))
			abort();
	}
	if (more < 0 && !why)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spf_answer answer = { 0 };

	if (!size)
		return 0;
	if (*data < 4) {
		(void)spf_dns_decode((enum spf_type) * data, (const char *)data + 1, size - 1,
				     &answer);
		spf_answer_done(&answer);
		return 0;
	}
	read_record((const char *)data + 1, size - 1);
	expand((const char *)data + 1, size - 1);
	return 0;
}
