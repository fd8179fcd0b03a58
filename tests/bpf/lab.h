/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real packet path, loaded for a test: settings and lists go in through the agent's own
 * tables.h, frames through BPF_PROG_TEST_RUN, and what came of a frame is read from verdict,
 * counters and source table. Functions that can fail end the test that called them.
 */
#ifndef TESTS_BPF_LAB_H
#define TESTS_BPF_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* needs all of the above */

#include "packets.h"
#include "tables.h"

#define LAB_TABLE_SIZE 1024
#define LAB_UNIT_MS    60000U
#define LAB_LIMIT      3U

/* What came of a frame, where it is not an outcome (reason, or SA_OUTCOME_WOULD) of the counters.
 */
#define LAB_NOT_OURS (-1)
#define LAB_UNPARSED (-2)

#define LAB_PASS     2U /* XDP_PASS and XDP_DROP, without the kernel's headers */
#define LAB_DROP     1U

struct lab {
	struct synanvil_bpf *skeleton;
	struct tables tables;
	struct sa_settings settings; /* in force after lab_apply */
	int program;
	uint32_t entries;      /* that the source table really has */
	uint32_t sequence;     /* of the last attempt that lab_attempt made */
	bool listed;           /* a configured list is in force */
	struct sa_home *homes; /* once lab_homes has mapped them */
};

struct judgement {
	uint32_t verdict;
	int outcome;
};

struct lab_totals {
	uint64_t outcomes[SA_OUTCOMES];
	uint64_t packets; /* sum of the outcomes */
	uint64_t unparsed;
};

/*
 * Runs the tests and returns their number of failures; without root or BPF all of them are skipped,
 * with one line that says why.
 */
int lab_run(const char *group, struct CMUnitTest *tests, size_t count);
#define LAB_RUN(group, tests) lab_run(group, tests, sizeof(tests) / sizeof((tests)[0]))

/* False, after one line that says why, without root or BPF; then lab_skip makes all tests skip. */
bool lab_available(const char *group);
void lab_skip(struct CMUnitTest *tests, size_t count);

/*
 * For cmocka, before each test: *state, the lab of the whole group (loading takes its time), gets
 * its default settings back, with no lists and no sources.
 */
int lab_setup(void **state);
#define LAB_TEST(function) cmocka_unit_test_setup(function, lab_setup)

/* NULL where BPF cannot be used. With one service: port 25 at any address, LAB_LIMIT, enforced. */
struct lab *lab_new(uint32_t source_table_size);
void lab_free(struct lab *lab);

/* Adds a service to lab->settings; rows with an address must come first. destination NULL: any. */
struct sa_service *lab_service(struct lab *lab, const char *destination, uint16_t port,
			       uint32_t limit);

/* After any change that a test makes behind the agent's back. */
void lab_move_generation(const struct lab *lab);

/* Puts lab->settings in force; while no packet is on its way. */
void lab_apply(struct lab *lab);

/* The same as the agent does it, together with the configured exceptions. */
void lab_apply_list(struct lab *lab, const struct exception_entry *entries, size_t count);

/* Forgets all sources, blocked ones too, and what the run-time lists say. */
void lab_forget(struct lab *lab);

/* Runs the program once; returns the verdict alone. */
uint32_t lab_send(const struct lab *lab, const struct frame *frame);

/* Runs the program once and finds what it counted: at most one cell may have moved, by one. */
struct judgement lab_judge(const struct lab *lab, const struct frame *frame);

/* As lab_judge for a described packet. */
struct judgement lab_judge_spec(const struct lab *lab, const struct packet_spec *spec);

/* One new attempt (never a repeat) of an address at a service. */
struct judgement lab_attempt(struct lab *lab, const char *source, uint16_t port);

/* The same count times, by verdict only; returns how many passed. */
unsigned lab_attempts(struct lab *lab, const char *source, uint16_t port, unsigned count);

/* Over all rows and CPUs. */
void lab_totals(const struct lab *lab, struct lab_totals *ret_totals);

/* The entry of the source that address belongs to; false if there is none. */
bool lab_source(const struct lab *lab, const char *address, const struct sa_service *service,
		struct sa_source *ret_source);

/* Attempts in the source's window, 0 if it is not known. */
unsigned lab_count(const struct lab *lab, const char *address, const struct sa_service *service);

/* Rewrites the window of a known source. */
void lab_set_window(const struct lab *lab, const char *address, const struct sa_service *service,
		    uint64_t start_ms, uint32_t count);

/* The sum of all windows' attempts, and the number of sources. */
void lab_table(const struct lab *lab, size_t *ret_sources, uint64_t *ret_attempts);

/* The packet path's clock, which moves in steps of some milliseconds; and what it is loaded with.
 */
uint64_t lab_now_ms(void);
void lab_clock_start(uint32_t *ret_scale, uint64_t *ret_offset_ms);

void lab_assert_judgement(const char *what, struct judgement found, uint32_t verdict, int outcome);

#endif
