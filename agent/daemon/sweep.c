/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the source table, then the table of connections, in slices, each a batch that the kernel
 * copies in well under a millisecond, and returns to the loop between them. How soon the next sweep
 * begins follows from what the last one cost.
 */
#include "sweep.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "evidence.h"
#include "log.h"
#include "source_counts.h"

/* 0.4 us an entry: a fifth of a millisecond, and below one on a busy machine. */
#define SLICE_ENTRIES 512

/*
 * From the end of a sweep to the start of the next: so long that reading takes a twentieth of one
 * CPU at most, and so short that a result is not ten seconds old when the next is there.
 */
#define REST_MIN_MS 1000UL
#define AGE_AIM_MS  9000

/* Entries that add one second to the rest. */
#define REST_ENTRIES 125000

/* What a sweep does, in this order. */
enum phase { SWEEP_SOURCES, SWEEP_CONNECTIONS, SWEEP_RANK, SWEEP_EVIDENCE, SWEEP_PHASES };

struct sweep {
	struct daemon *daemon;
	struct event *timer;
	enum phase phase;
	struct tables_cursor cursor;
	struct source_counts counts; /* connections of each source, of the one in the making */
	size_t ranked;               /* cells of counts that were looked at */
	struct sweep_result last;
	struct sweep_result next; /* in the making */
	struct mono_ms started;   /* the one in the making */
	bool complete;            /* last holds something */
	int reported;             /* the error that was last complained about */
	struct sa_source_key keys[SLICE_ENTRIES];
	struct sa_source values[SLICE_ENTRIES];
	struct sa_connection_key cookies[SLICE_ENTRIES];
	struct sa_connection connections[SLICE_ENTRIES];
};

static int result_init(struct sweep_result *result)
{
	int error = 0;

	for (enum top_order order = 0; !error && order < TOP_ORDERS; order++)
		error = top_init(&result->tops[order], order);
	return error;
}

static void result_done(struct sweep_result *result)
{
	for (enum top_order order = 0; order < TOP_ORDERS; order++)
		top_done(&result->tops[order]);
}

/* Begins anew; the heaps keep their memory. */
static void result_clear(struct sweep_result *result)
{
	result->sources = 0;
	for (enum top_order order = 0; order < TOP_ORDERS; order++)
		result->tops[order].count = 0;
}

static bool service_known(const struct sa_settings *settings, uint32_t id)
{
	for (uint32_t i = 0; i < settings->service_count; i++)
		if (settings->services[i].id == id)
			return true;
	return false;
}

/* Entries of a service that a reload removed still take room, but nobody asks for them. */
static void slice_take(struct sweep *sweep, size_t count, struct mono_ms now)
{
	const struct sa_settings *settings = &sweep->daemon->settings;
	uint32_t remaining;

	sweep->next.sources += count;
	for (size_t i = 0; i < count; i++) {
		const struct top_source source = {
			.key = sweep->keys[i],
			.attempts = window_attempts(sweep->values[i].window, now.ms,
						    settings->rate_unit_ms, &remaining),
			.dropped = sweep->values[i].dropped,
		};

		if (!service_known(settings, source.key.service))
			continue;
		top_offer(&sweep->next.tops[TOP_ATTEMPTS], &source);
		top_offer(&sweep->next.tops[TOP_DROPPED], &source);
		evidence_offer(sweep->daemon->evidence, &source.key, sweep->values[i].window, now);
	}
}

/* Each phase reads one slice. 1: there is more of it; 0: it is done; -errno. */
static int slice_of_sources(struct sweep *sweep, struct mono_ms now)
{
	size_t count = 0;
	const int more = tables_sources_batch(&sweep->daemon->tables, &sweep->cursor, sweep->keys,
					      sweep->values, SLICE_ENTRIES, &count);

	if (more >= 0)
		slice_take(sweep, count, now);
	return more;
}

/* The source table may have forgotten a source that has connections, so those are counted. */
static int slice_of_connections(struct sweep *sweep)
{
	size_t count = 0;
	const int more =
		tables_connections_batch(&sweep->daemon->tables, &sweep->cursor, sweep->cookies,
					 sweep->connections, SLICE_ENTRIES, &count);
	int error = 0;

	for (size_t i = 0; more >= 0 && !error && i < count; i++)
		if (sweep->cookies[i].epoch == sweep->daemon->settings.epoch)
			error = source_counts_add(&sweep->counts, &sweep->connections[i].source);
	return error ? error : more;
}

static int slice_of_ranks(struct sweep *sweep)
{
	const struct source_counts *counts = &sweep->counts;

	for (size_t i = 0; i < SLICE_ENTRIES && sweep->ranked < counts->size; i++) {
		const struct source_count *cell = &counts->cells[sweep->ranked++];
		const struct top_source source = { .key = cell->key, .connections = cell->count };

		top_offer(&sweep->next.tops[TOP_CONNECTIONS], &source);
	}
	return sweep->ranked < counts->size;
}

static int slice_next(struct sweep *sweep, struct mono_ms now)
{
	switch (sweep->phase) {
	case SWEEP_SOURCES:
		return slice_of_sources(sweep, now);
	case SWEEP_CONNECTIONS:
		return slice_of_connections(sweep);
	case SWEEP_RANK:
		return slice_of_ranks(sweep);
	default:
		return evidence_finish(sweep->daemon->evidence, now);
	}
}

static void sweep_rewind(struct sweep *sweep)
{
	sweep->phase = SWEEP_SOURCES;
	sweep->cursor = (struct tables_cursor){ 0 };
}

static void sweep_begin(struct sweep *sweep, struct mono_ms now)
{
	result_clear(&sweep->next);
	source_counts_clear(&sweep->counts);
	evidence_begin(sweep->daemon->evidence, &sweep->daemon->settings);
	sweep->ranked = 0;
	sweep->started = now;
}

static void finish(struct sweep *sweep, struct mono_ms now)
{
	const struct sweep_result spare = sweep->last;

	for (enum top_order order = 0; order < TOP_ORDERS; order++)
		top_finish(&sweep->next.tops[order]);
	sweep->next.completed = now;
	sweep->last = sweep->next;
	sweep->next = spare;
	sweep->complete = true;
}

static void schedule(struct sweep *sweep, uint64_t microseconds)
{
	const struct timeval after = {
		.tv_sec = (time_t)(microseconds / 1000000),
		.tv_usec = (suseconds_t)(microseconds % 1000000),
	};

	(void)evtimer_add(sweep->timer, &after);
}

static uint64_t rest_ms(size_t sources, uint64_t lasted_ms)
{
	const uint64_t rest = REST_MIN_MS + (uint64_t)sources * 1000 / REST_ENTRIES;

	if (lasted_ms + REST_MIN_MS >= AGE_AIM_MS)
		return REST_MIN_MS;
	return rest < AGE_AIM_MS - lasted_ms ? rest : AGE_AIM_MS - lasted_ms;
}

static void slice_failed(struct sweep *sweep, int error)
{
	if (error != sweep->reported)
		log_warning("cannot read the source table: %s; trying again", strerror(-error));
	sweep->reported = error;
	sweep_rewind(sweep);
	schedule(sweep, REST_MIN_MS * 1000);
}

static void slice_due(evutil_socket_t fd, short what, void *context)
{
	struct sweep *sweep = context;
	const struct mono_ms now = mono_now();
	int more;

	(void)fd;
	(void)what;
	if (sweep->phase == SWEEP_SOURCES && !sweep->cursor.started)
		sweep_begin(sweep, now);
	more = slice_next(sweep, now);
	if (more < 0) {
		slice_failed(sweep, more);
		return;
	}
	sweep->reported = 0;
	if (!more) {
		sweep->phase++;
		sweep->cursor = (struct tables_cursor){ 0 };
	}
	if (sweep->phase < SWEEP_PHASES) {
		/* At once, but after whatever else the loop has to serve. */
		schedule(sweep, 0);
		return;
	}
	finish(sweep, now);
	sweep_rewind(sweep);
	schedule(sweep, rest_ms(sweep->last.sources, now.ms - sweep->started.ms) * 1000);
}

static void sweep_cleanup(struct sweep **sweep)
{
	(void)sweep_free(*sweep);
}

int sweep_new(struct daemon *daemon, struct sweep **ret_sweep)
{
	_cleanup_(sweep_cleanup) struct sweep *sweep = calloc(1, sizeof(*sweep));
	int error;

	if (!sweep)
		return -ENOMEM;
	sweep->daemon = daemon;
	error = result_init(&sweep->last);
	if (!error)
		error = result_init(&sweep->next);
	if (error)
		return error;
	sweep->timer = evtimer_new(daemon->loop, slice_due, sweep);
	if (!sweep->timer)
		return -ENOMEM;
	schedule(sweep, 0);
	*ret_sweep = TAKE_PTR(sweep);
	return 0;
}

struct sweep *sweep_free(struct sweep *sweep)
{
	if (!sweep)
		return NULL;
	if (sweep->timer)
		event_free(sweep->timer);
	result_done(&sweep->last);
	result_done(&sweep->next);
	source_counts_done(&sweep->counts);
	free(sweep);
	return NULL;
}

const struct sweep_result *sweep_last(const struct sweep *sweep)
{
	return sweep->complete ? &sweep->last : NULL;
}
