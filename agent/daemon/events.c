/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the ring buffer to the history, the log and the followers.
 */
#include "events.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"

/* Events taken in one turn of the loop: others are waiting too. */
#define EVENTS_PER_TURN 1000

struct events {
	struct daemon *daemon;
	struct ring_buffer *ring;
	struct event *readable;
	struct event *again; /* the turn's share was used up */
	struct event *flush; /* tells how many lines the log did not get */
	struct history history;
	struct log_gate gate;
	struct events_follower *followers;
	unsigned turn; /* events of this turn */
};

/* The event carries the monotonic time at which it happened; people read wall-clock time. */
static int64_t wall_time_of(uint64_t time_ms)
{
	return wall_now().ms - (int64_t)(mono_now().ms - time_ms);
}

static void log_record(struct events *events, const struct history_record *record, const char *name)
{
	const struct timeval second = { .tv_sec = 1 };
	char line[HISTORY_LINE_SIZE];

	if (!log_gate_open(&events->gate, mono_now().ms)) {
		if (!evtimer_pending(events->flush, NULL))
			(void)evtimer_add(events->flush, &second);
		return;
	}
	history_line(record, name, line);
	/* Nothing was dropped in monitor mode, so nothing is amiss; the line still reads as it
	 * would have. */
	if (record->event.would_drop)
		log_info("would drop: warning: %s", line);
	else
		log_warning("%s", line);
}

static void tell_followers(struct events *events, const struct history_record *record)
{
	struct events_follower *follower = events->followers;

	while (follower) {
		/* The follower may unlink itself. */
		struct events_follower *next = follower->next;

		follower->notify(record, follower->context);
		follower = next;
	}
}

static void take_record(struct events *events, const struct history_record *record,
			const char *name)
{
	/* Without memory for the history the log still gets its line. */
	(void)history_add(&events->history, record);
	log_record(events, record, name);
	tell_followers(events, record);
}

void events_refused(struct events *events, const struct history_record *record, const char *name)
{
	take_record(events, record, name);
}

static int event_arrived(void *context, void *data, size_t size)
{
	struct events *events = context;
	const struct daemon *daemon = events->daemon;
	struct history_record record = { 0 };

	if (size < sizeof(record.event))
		return 0;
	memcpy(&record.event, data, sizeof(record.event));
	record.wall_ms = wall_time_of(record.event.time_ms);
	record.prefix_length = source_prefix_length(daemon->config, &record.event.address);
	service_name_of(daemon->config, &daemon->settings, record.event.service, &record.service);
	take_record(events, &record, NULL);
	/* libbpf stops at a negative result and has then consumed this one. */
	return ++events->turn < EVENTS_PER_TURN ? 0 : -EAGAIN;
}

static void ring_readable(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval now;
	struct events *events = context;

	(void)fd;
	(void)what;
	events->turn = 0;
	if (ring_buffer__consume(events->ring) == -EAGAIN)
		(void)evtimer_add(events->again, &now);
}

static void flush_due(evutil_socket_t fd, short what, void *context)
{
	const struct timeval second = { .tv_sec = 1 };
	struct events *events = context;
	const uint64_t left_out = log_gate_flush(&events->gate, mono_now().ms);

	(void)fd;
	(void)what;
	if (left_out)
		log_warning("%" PRIu64
			    " more limits exceeded, not logged one by one; `synanvil events` "
			    "has the last %d",
			    left_out, HISTORY_CAPACITY);
	else if (events->gate.left_out)
		(void)evtimer_add(events->flush, &second);
}

static void events_cleanup(struct events **events)
{
	(void)events_free(*events);
}

int events_new(struct daemon *daemon, struct events **ret_events)
{
	_cleanup_(events_cleanup) struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->daemon = daemon;
	events->ring = ring_buffer__new(daemon->tables.events, event_arrived, events, NULL);
	if (!events->ring)
		return errno ? -errno : -ENOMEM;
	events->readable = event_new(daemon->loop, ring_buffer__epoll_fd(events->ring),
				     EV_READ | EV_PERSIST, ring_readable, events);
	events->again = evtimer_new(daemon->loop, ring_readable, events);
	events->flush = evtimer_new(daemon->loop, flush_due, events);
	if (!events->readable || !events->again || !events->flush ||
	    event_add(events->readable, NULL) < 0)
		return -ENOMEM;
	*ret_events = TAKE_PTR(events);
	return 0;
}

struct events *events_free(struct events *events)
{
	if (!events)
		return NULL;
	if (events->readable)
		event_free(events->readable);
	if (events->again)
		event_free(events->again);
	if (events->flush)
		event_free(events->flush);
	ring_buffer__free(events->ring);
	history_done(&events->history);
	free(events);
	return NULL;
}

const struct history *events_history(const struct events *events)
{
	return &events->history;
}

void events_follow(struct events *events, struct events_follower *follower)
{
	follower->next = events->followers;
	events->followers = follower;
}

void events_unfollow(struct events *events, struct events_follower *follower)
{
	struct events_follower **link = &events->followers;

	while (*link && *link != follower)
		link = &(*link)->next;
	if (*link)
		*link = follower->next;
}
