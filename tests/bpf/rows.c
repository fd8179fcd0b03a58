/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a table of rows; see rows.h.
 */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "lab.h"

#define MAPPED_PREFIX "::ffff:"

struct table_state {
	size_t sources;
	uint64_t attempts;
};

static const struct sa_service *service_of(const struct lab *lab, enum row_service service)
{
	static const unsigned index[ROW_SERVICES] = {
		[ROW_ADDRESS_IPV4] = 0,
		[ROW_ADDRESS_IPV6] = 1,
		[ROW_PORT_25] = 2,
		[ROW_PORT_587] = 3,
	};

	return &lab->settings.services[index[service]];
}

/* What one cmocka test gets. */
struct row_test {
	const struct row *row;
	struct lab *lab;
	char name[128];
};

static struct lab *row_lab(const struct row_test *test)
{
	struct lab *lab = test->lab;

	lab_forget(lab);
	if (lab->settings.service_count == ROW_SERVICES)
		return lab;
	lab->settings.service_count = 0;
	(void)lab_service(lab, SERVER_IPV4, 587, LAB_LIMIT);
	(void)lab_service(lab, SERVER_IPV6, 587, LAB_LIMIT);
	(void)lab_service(lab, NULL, 25, LAB_LIMIT);
	(void)lab_service(lab, NULL, 587, LAB_LIMIT);
	lab_apply(lab);
	return lab;
}

static void labs_free(struct lab **lab)
{
	lab_free(*lab);
}

static struct table_state table_state(const struct lab *lab)
{
	struct table_state state;

	lab_table(lab, &state.sources, &state.attempts);
	return state;
}

static int outcome_otherwise(const struct row *row)
{
	return row->is == ROW_UNPARSED ? LAB_UNPARSED : LAB_NOT_OURS;
}

static void test_fresh(void **state)
{
	const struct row_test *test = *state;
	const struct row *row = test->row;
	struct lab *lab = row_lab(test);
	struct judgement found = lab_judge_spec(lab, &row->packet);
	struct table_state after = table_state(lab);

	if (row->is != ROW_ATTEMPT) {
		lab_assert_judgement(row->name, found, LAB_PASS, outcome_otherwise(row));
		assert_int_equal(after.sources, 0);
		return;
	}
	lab_assert_judgement(row->name, found, LAB_PASS, SA_REASON_WITHIN_LIMIT);
	assert_int_equal(after.sources, 1);
	assert_int_equal(lab_count(lab, row->packet.source, service_of(lab, row->service)), 1);
}

/* A mapped source is to borrow nothing from, and charge nothing to, the IPv4 client in it. */
static const char *source_charged(const struct row *row)
{
	const char *source = row->packet.source;
	size_t prefix = strlen(MAPPED_PREFIX);

	return strncmp(source, MAPPED_PREFIX, prefix) ? source : source + prefix;
}

static void spend(const struct lab *lab, const char *source, const char *destination, uint16_t port)
{
	struct packet_spec spec = {
		SYN_COMMON,
		.family = strchr(source, ':') ? 6 : 4,
		.source = source,
		.destination = destination,
		.destination_port = port,
		.sequence = 0x70000000,
	};
	struct judgement found;

	for (unsigned i = 0; i <= LAB_LIMIT; i++) {
		spec.sequence++;
		found = lab_judge_spec(lab, &spec);
	}
	lab_assert_judgement("state before", found, LAB_DROP, SA_REASON_RATE);
}

static void test_over_limit(void **state)
{
	const struct row_test *test = *state;
	const struct row *row = test->row;
	struct lab *lab = row_lab(test);
	const char *source = source_charged(row);
	bool ipv6 = strchr(source, ':');
	struct table_state before, after;
	struct judgement found;

	spend(lab, source, ipv6 ? SERVER_IPV6 : SERVER_IPV4, 25);
	spend(lab, source, ipv6 ? SERVER_IPV6 : SERVER_IPV4, 587);
	spend(lab, source, ipv6 ? OTHER_IPV6 : OTHER_IPV4, 587);
	before = table_state(lab);
	found = lab_judge_spec(lab, &row->packet);
	after = table_state(lab);
	if (row->is == ROW_ATTEMPT)
		lab_assert_judgement(row->name, found, LAB_DROP, SA_REASON_RATE);
	else
		lab_assert_judgement(row->name, found, LAB_PASS, outcome_otherwise(row));
	assert_int_equal(after.sources, before.sources);
	assert_int_equal(after.attempts, before.attempts);
}

int rows_run(const char *group, const struct row *rows, size_t count)
{
	_cleanup_free_ struct CMUnitTest *tests = calloc(count * 2, sizeof(*tests));
	_cleanup_free_ struct row_test *states = calloc(count * 2, sizeof(*states));
	_cleanup_(labs_free) struct lab *lab = NULL;
	bool available = lab_available(group);

	if (available)
		lab = lab_new(LAB_TABLE_SIZE);
	if (!tests || !states || (available && !lab))
		return 1;
	for (size_t i = 0; i < count * 2; i++) {
		struct row_test *state = &states[i];

		*state = (struct row_test){ .row = &rows[i / 2], .lab = lab };
		(void)snprintf(state->name, sizeof(state->name), "%s%s", state->row->name,
			       i % 2 ? ", over the limit" : "");
		tests[i] = (struct CMUnitTest){
			.name = state->name,
			.test_func = i % 2 ? test_over_limit : test_fresh,
			.initial_state = state,
		};
	}
	if (!available)
		lab_skip(tests, count * 2);
	return _cmocka_run_group_tests(group, tests, count * 2, NULL, NULL);
}
