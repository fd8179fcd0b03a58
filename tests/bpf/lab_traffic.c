/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending frames to the packet path and reading what it made of them.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "lab.h"

_Static_assert(LAB_PASS == XDP_PASS && LAB_DROP == XDP_DROP, "the kernel's verdicts");

uint32_t lab_send(const struct lab *lab, const struct frame *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = (uint32_t)frame->size, .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(lab->program, &options), 0);
	return options.retval;
}

void lab_totals(const struct lab *lab, struct lab_totals *ret_totals)
{
	_cleanup_free_ struct sa_counters *rows = calloc(SA_COUNTER_ROWS, sizeof(*rows));
	struct sa_totals totals;

	assert_non_null(rows);
	*ret_totals = (struct lab_totals){ 0 };
	assert_int_equal(tables_counters_read(&lab->tables, rows), 0);
	assert_int_equal(tables_totals_read(&lab->tables, &totals), 0);
	for (size_t row = 0; row < SA_COUNTER_ROWS; row++)
		for (size_t i = 0; i < SA_OUTCOMES; i++)
			ret_totals->outcomes[i] += rows[row].packets[i];
	for (size_t i = 0; i < SA_OUTCOMES; i++)
		ret_totals->packets += ret_totals->outcomes[i];
	for (size_t slot = 0; slot < SA_INTERFACE_SLOTS; slot++)
		ret_totals->unparsed += totals.unparsed[slot];
}

static void row_add(const struct lab *lab, uint32_t row, struct sa_counters *values,
		    struct lab_totals *totals)
{
	assert_int_equal(bpf_map_lookup_elem(lab->tables.counters, &row, values), 0);
	for (size_t cpu = 0; cpu < lab->tables.cpus; cpu++)
		for (size_t i = 0; i < SA_OUTCOMES; i++) {
			totals->outcomes[i] += values[cpu].packets[i];
			totals->packets += values[cpu].packets[i];
		}
}

/* As lab_totals, but only the rows that frames of this lab can reach: a hundred times as fast. */
static void totals_in_reach(const struct lab *lab, struct lab_totals *ret_totals)
{
	_cleanup_free_ struct sa_counters *values = calloc(lab->tables.cpus, sizeof(*values));
	struct sa_totals totals;

	assert_non_null(values);
	*ret_totals = (struct lab_totals){ 0 };
	for (uint32_t slot = 0; slot < 2; slot++)
		for (uint32_t service = 0; service < lab->settings.service_count; service++)
			for (uint32_t family = 0; family < SA_FAMILIES; family++)
				row_add(lab, SA_COUNTER_ROW(slot, service, family), values,
					ret_totals);
	assert_int_equal(tables_totals_read(&lab->tables, &totals), 0);
	for (size_t slot = 0; slot < SA_INTERFACE_SLOTS; slot++)
		ret_totals->unparsed += totals.unparsed[slot];
}

struct judgement lab_judge(const struct lab *lab, const struct frame *frame)
{
	struct judgement judgement = { .outcome = LAB_NOT_OURS };
	struct lab_totals before, after;

	totals_in_reach(lab, &before);
	judgement.verdict = lab_send(lab, frame);
	totals_in_reach(lab, &after);
	assert_in_range(after.packets + after.unparsed - before.packets - before.unparsed, 0, 1);
	if (after.unparsed != before.unparsed)
		judgement.outcome = LAB_UNPARSED;
	for (int i = 0; i < SA_OUTCOMES; i++)
		if (after.outcomes[i] != before.outcomes[i])
			judgement.outcome = i;
	return judgement;
}

struct judgement lab_judge_spec(const struct lab *lab, const struct packet_spec *spec)
{
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));

	assert_non_null(frame);
	frame_build(spec, frame);
	return lab_judge(lab, frame);
}

static struct packet_spec attempt_spec(struct lab *lab, const char *source, uint16_t port)
{
	bool ipv6 = strchr(source, ':');

	return (struct packet_spec){
		SYN_COMMON,
		.family = ipv6 ? 6 : 4,
		.source = source,
		.destination = ipv6 ? SERVER_IPV6 : SERVER_IPV4,
		.destination_port = port,
		.sequence = ++lab->sequence + 0x10000000,
	};
}

struct judgement lab_attempt(struct lab *lab, const char *source, uint16_t port)
{
	struct packet_spec spec = attempt_spec(lab, source, port);

	return lab_judge_spec(lab, &spec);
}

unsigned lab_attempts(struct lab *lab, const char *source, uint16_t port, unsigned count)
{
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));
	struct packet_spec spec = attempt_spec(lab, source, port);
	unsigned passed = 0;

	assert_non_null(frame);
	frame_build(&spec, frame);
	for (unsigned i = 0; i < count; i++) {
		frame_set_sequence(frame, ++lab->sequence + 0x10000000);
		passed += lab_send(lab, frame) == LAB_PASS;
	}
	return passed;
}

/* Masked by bytes: the settings' masks are in network order too. */
static struct sa_source_key key_of(const struct lab *lab, const char *address,
				   const struct sa_service *service)
{
	const struct sa_settings *set = &lab->settings;
	const struct sa_address full = address_of(address);
	const void *mask = strchr(address, ':') ? &set->mask_ipv6 : &set->mask_ipv4;
	struct sa_source_key key = { .service = service->id };

	for (size_t i = 0; i < sizeof(key.address); i++)
		key.address[i] = ((const uint8_t *)&full)[i] & ((const uint8_t *)mask)[i];
	return key;
}

bool lab_source(const struct lab *lab, const char *address, const struct sa_service *service,
		struct sa_source *ret_source)
{
	const struct sa_source_key key = key_of(lab, address, service);
	int error = tables_source_read(&lab->tables, &key, ret_source);

	assert_true(error == 0 || error == -ENOENT);
	return !error;
}

unsigned lab_count(const struct lab *lab, const char *address, const struct sa_service *service)
{
	struct sa_source source;

	return lab_source(lab, address, service, &source) ? source.window & SA_COUNT_MAX : 0;
}

void lab_set_window(const struct lab *lab, const char *address, const struct sa_service *service,
		    uint64_t start_ms, uint32_t count)
{
	const struct sa_source_key key = key_of(lab, address, service);
	struct sa_source source;

	assert_true(lab_source(lab, address, service, &source));
	source.window = start_ms << SA_COUNT_BITS | count;
	source.repeats =
		0; /* they were another window's, which may have begun in this millisecond */
	assert_int_equal(bpf_map_update_elem(lab->tables.sources, &key, &source, BPF_EXIST), 0);
	lab_move_generation(lab);
}

void lab_table(const struct lab *lab, size_t *ret_sources, uint64_t *ret_attempts)
{
	struct sa_source_key key, *previous = NULL;
	struct sa_source source;

	*ret_sources = 0;
	*ret_attempts = 0;
	while (!bpf_map_get_next_key(lab->tables.sources, previous, &key)) {
		previous = &key;
		assert_int_equal(bpf_map_lookup_elem(lab->tables.sources, &key, &source), 0);
		*ret_sources += 1;
		*ret_attempts += source.window & SA_COUNT_MAX;
	}
}

void lab_assert_judgement(const char *what, struct judgement found, uint32_t verdict, int outcome)
{
	if (found.verdict != verdict || found.outcome != outcome)
		fail_msg("%s: verdict %u outcome %d, expected verdict %u outcome %d", what,
			 found.verdict, found.outcome, verdict, outcome);
}
