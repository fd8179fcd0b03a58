/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pass lists all sockets, then walks all entries. Neither is of one moment, so one look proves
 * nothing: a socket that closes is still in a part of the list that was read before, and one that
 * opens is not in it. Only what two passes in a row find wrong is wrong: none opens or closes
 * twice.
 *
 * After a start or another epoch, when nothing is there yet, a first pass believes what it sees.
 * What it entered although it had just closed, the passes after it remove, and what it was not told
 * of, or had no room for yet, they enter; that is no drift.
 */
#include "connections_sync.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "connection_match.h"
#include "connection_program.h"
#include "cookie_set.h"
#include "log.h"
#include "sock_diag.h"

/* Entries a slice: half a microsecond each. */
#define SLICE_ENTRIES 512

/* From the end of a pass to the next. Checking a connection costs half a microsecond. */
#define REST_CHECK_MS 10000
/* What a first pass has entered too much is gone soon. */
#define REST_SETTLING_MS 200
#define SETTLING_PASSES  2
/* Where nobody else counts, or what should be there is not yet. */
#define REST_ALONE_MS 1000
/* Where nothing can be listed: what kept from it may have passed. */
#define REST_OFF_MS 60000
/* How long its counts are good: some passes may fail, an agent that is gone may not. */
#define HOLD_ALONE_MS 5000

struct connections_sync {
	struct daemon *daemon;
	enum connections_source source;
	int link; /* of the counting program; -1 */
	struct sock_diag *list;
	struct event *timer;

	/* Of the pass under way: */
	uint32_t epoch;
	bool walking;
	bool fills; /* what is not counted is entered at once */
	int error;  /* the first one */
	struct tables_cursor cursor;
	struct cookie_set listed;
	struct cookie_set missing;  /* listed, no entry */
	struct cookie_set unlisted; /* an entry, not listed */
	bool entering;              /* or of one that a reload has broken off */

	/* Of the pass before: */
	struct cookie_set missing_before;
	struct cookie_set unlisted_before;

	unsigned settling; /* passes in which what is put right is no drift */
	uint64_t drift;
	uint64_t uncounted; /* as last complained about */
	uint64_t awaited;   /* of those: they may get room yet, which is no drift */
	int reported;       /* likewise, the error */
	struct sa_connection_key keys[SLICE_ENTRIES];
	struct sa_connection values[SLICE_ENTRIES];
};

enum connections_source connections_sync_source(const struct connections_sync *sync)
{
	return sync ? sync->source : CONNECTIONS_OFF;
}

uint64_t connections_sync_drift(const struct connections_sync *sync)
{
	return sync ? sync->drift : 0;
}

static void schedule(struct connections_sync *sync, unsigned ms)
{
	const struct timeval after = { .tv_sec = ms / 1000,
				       .tv_usec = (suseconds_t)ms % 1000 * 1000 };

	(void)evtimer_add(sync->timer, &after);
}

static void note_error(struct connections_sync *sync, int error)
{
	if (error && !sync->error)
		sync->error = error;
}

static void pass_begin(struct connections_sync *sync)
{
	sync->epoch = sync->daemon->settings.epoch;
	sync->walking = false;
	sync->error = 0;
	sync->cursor = (struct tables_cursor){ 0 };
	cookie_set_clear(&sync->listed);
	cookie_set_clear(&sync->missing);
	cookie_set_clear(&sync->unlisted);
}

/* Reported where the table is full: each connection once, though every pass tries again. */
static bool enter(struct connections_sync *sync, const struct sa_connection_key *key,
		  const struct sa_connection *connection)
{
	const struct tables *tables = &sync->daemon->tables;
	int error;

	sync->entering = true;
	tables_live_look_always(tables);
	error = tables_connection_enter(tables, key, connection);
	if (error == -E2BIG) {
		if (!cookie_set_has(&sync->missing_before, key->cookie))
			tables_live_miss(tables);
		note_error(sync, cookie_set_add(&sync->missing, key->cookie));
	} else if (error != -EEXIST) {
		note_error(sync, error);
	}
	return error == 0;
}

static void note_late(struct connections_sync *sync)
{
	if (sync->settling)
		return;
	if (sync->awaited)
		sync->awaited--;
	else
		sync->drift++;
}

static void socket_found(const struct sock_diag_socket *socket, void *context)
{
	struct connections_sync *sync = context;
	const struct sa_connection_key key = { .cookie = socket->cookie, .epoch = sync->epoch };
	struct sa_connection connection, entry;
	int known;

	if (!connection_match(&sync->daemon->settings, socket, &connection))
		return;
	note_error(sync, cookie_set_add(&sync->listed, socket->cookie));
	known = tables_connection_read(&sync->daemon->tables, &key, &entry);
	if (known != -ENOENT) {
		note_error(sync, known);
	} else if (sync->fills) {
		(void)enter(sync, &key, &connection);
	} else if (cookie_set_has(&sync->missing_before, socket->cookie)) {
		if (enter(sync, &key, &connection))
			note_late(sync);
	} else {
		note_error(sync, cookie_set_add(&sync->missing, socket->cookie));
	}
}

static bool leave(struct connections_sync *sync, const struct sa_connection_key *key)
{
	int error = tables_connection_leave(&sync->daemon->tables, key);

	if (error != -ENOENT)
		note_error(sync, error);
	return error == 0;
}

/* Entries of other epochs are counted by nobody any more; all their connections have new ones. */
static void entry_found(struct connections_sync *sync, const struct sa_connection_key *key)
{
	const bool listed = key->epoch == sync->epoch && cookie_set_has(&sync->listed, key->cookie);

	if (listed)
		return;
	if (key->epoch != sync->epoch || sync->source == CONNECTIONS_SOCK_DIAG) {
		(void)leave(sync, key);
	} else if (cookie_set_has(&sync->unlisted_before, key->cookie)) {
		if (leave(sync, key) && !sync->settling)
			sync->drift++;
	} else {
		note_error(sync, cookie_set_add(&sync->unlisted, key->cookie));
	}
}

/* 1 if there is more, 0 at the end, or -errno. */
static int slice_walk(struct connections_sync *sync)
{
	size_t count = 0;
	int more = tables_connections_batch(&sync->daemon->tables, &sync->cursor, sync->keys,
					    sync->values, SLICE_ENTRIES, &count);

	for (size_t i = 0; more >= 0 && i < count; i++)
		entry_found(sync, &sync->keys[i]);
	return more;
}

static void sets_turn(struct cookie_set *before, struct cookie_set *now)
{
	const struct cookie_set spare = *before;

	*before = *now;
	*now = spare;
}

static void report(struct connections_sync *sync)
{
	const uint64_t uncounted = tables_live_uncounted(&sync->daemon->tables);

	if (sync->error && sync->error != sync->reported)
		log_warning("cannot hold the live connections against the kernel's list: %s; "
			    "trying again",
			    strerror(-sync->error));
	sync->reported = sync->error;
	if (uncounted != sync->uncounted)
		log_warning("%llu live connections could not be counted: there are more than %d, "
			    "or too many sources; no limit holds for them",
			    (unsigned long long)(uncounted - sync->uncounted), SA_CONNECTIONS_MAX);
	sync->awaited += uncounted - sync->uncounted;
	sync->uncounted = uncounted;
}

/* Without a new list the limits end: counts that stand still would keep clients out for ever. */
static void limits_hold(const struct connections_sync *sync)
{
	if (sync->source == CONNECTIONS_KERNEL)
		tables_live_hold(&sync->daemon->tables, SA_LIVE_ALWAYS);
	else if (!sync->error)
		tables_live_hold(&sync->daemon->tables, mono_now().ms + HOLD_ALONE_MS);
}

/* Removes every entry: where nobody counts, what an earlier agent counted would stay for ever. */
static void forget_all(struct connections_sync *sync)
{
	pass_begin(sync);
	sync->epoch = 0; /* of no entry */
	while (slice_walk(sync) > 0)
		continue;
}

/*
 * Where nothing could be listed: whether that is still so. It was said once; limits do not hold
 * until a pass has come to its end, and what a shorter one has entered is forgotten.
 */
static bool is_still_off(struct connections_sync *sync)
{
	if (sync->source != CONNECTIONS_OFF)
		return false;
	if (sync->error) {
		forget_all(sync);
		schedule(sync, REST_OFF_MS);
		return true;
	}
	sync->source = CONNECTIONS_SOCK_DIAG;
	log_info("live connections can be listed now, once a second; limits on them hold");
	return false;
}

/* A pass that broke off has proved nothing: the one before it still stands for what was seen. */
static void pass_end(struct connections_sync *sync, int error)
{
	note_error(sync, error);
	if (is_still_off(sync))
		return;
	if (sync->entering)
		tables_live_look_anew(&sync->daemon->tables);
	sync->entering = false;
	limits_hold(sync);
	if (!sync->error) {
		if (sync->missing.count == 0)
			sync->awaited = 0;
		sets_turn(&sync->missing_before, &sync->missing);
		sets_turn(&sync->unlisted_before, &sync->unlisted);
		if (sync->fills)
			sync->settling = SETTLING_PASSES;
		else if (sync->settling)
			sync->settling--;
		sync->fills = sync->source == CONNECTIONS_SOCK_DIAG;
		tables_live_epoch_kept(&sync->daemon->tables, sync->epoch);
	}
	report(sync);
	if (sync->fills)
		schedule(sync, REST_ALONE_MS);
	else
		schedule(sync, sync->settling ? REST_SETTLING_MS : REST_CHECK_MS);
}

static void list_done(int error, void *context)
{
	struct connections_sync *sync = context;

	if (!error)
		error = sync->error;
	if (error) {
		pass_end(sync, error);
		return;
	}
	sync->walking = true;
	schedule(sync, 0);
}

static void pass_start(struct connections_sync *sync)
{
	int error;

	pass_begin(sync);
	error = sock_diag_start(sync->list);
	if (error)
		pass_end(sync, error);
}

static void slice_due(evutil_socket_t fd, short what, void *context)
{
	struct connections_sync *sync = context;
	int more;

	(void)fd, (void)what;
	if (!sync->walking) {
		pass_start(sync);
		return;
	}
	more = slice_walk(sync);
	sync->walking = more > 0;
	if (more > 0) /* at once, but after whatever else the loop has to serve */
		schedule(sync, 0);
	else
		pass_end(sync, more);
}

/* The first pass, before anybody is served. */
static int pass_run(struct connections_sync *sync)
{
	int more;

	pass_begin(sync);
	more = sock_diag_run(sync->list);
	if (!more)
		more = sync->error;
	for (more = more ? more : 1; more > 0;)
		more = slice_walk(sync);
	return more;
}

/*
 * An earlier agent's program on the same tables does as well; on others it is of no use. Where
 * there is none, connections may have closed while nobody looked: what such an agent counted is
 * forgotten before anybody is refused for it, and the first pass counts anew.
 */
static void counting_start(struct connections_sync *sync)
{
	struct explanation why = {};
	const bool goes_on = sync->daemon->adopted && connection_program_is_pinned();

	if (!goes_on) {
		tables_live_hold(&sync->daemon->tables, 0);
		forget_all(sync);
	}
	sync->source = CONNECTIONS_KERNEL;
	if (connection_program_attach(sync->daemon->program, &sync->link, &why) == 0)
		return;
	if (goes_on) {
		log_warning("cannot replace the program that counts live connections: %s; the "
			    "earlier one goes on",
			    why.text);
		return;
	}
	(void)connection_program_unpin();
	sync->source = CONNECTIONS_SOCK_DIAG;
	log_warning("live connections cannot be counted in the kernel: %s; they are listed once a "
		    "second instead, so limits on them take hold that much later",
		    why.text);
}

static void sync_cleanup(struct connections_sync **sync)
{
	(void)connections_sync_free(*sync, DAEMON_KEEP);
}

int connections_sync_new(struct daemon *daemon, struct connections_sync **ret_sync)
{
	_cleanup_(sync_cleanup) struct connections_sync *sync = calloc(1, sizeof(*sync));
	struct sock_diag_listener listener = { socket_found, list_done, sync };
	int error;

	if (!sync)
		return -ENOMEM;
	sync->daemon = daemon;
	sync->link = -1;
	sync->fills = true;
	sync->uncounted = tables_live_uncounted(&daemon->tables);
	sync->timer = evtimer_new(daemon->loop, slice_due, sync);
	if (!sync->timer)
		return -ENOMEM;
	error = sock_diag_new(daemon->loop, &listener, &sync->list);
	if (error)
		return error;
	counting_start(sync);
	error = pass_run(sync);
	if (error && sync->source == CONNECTIONS_SOCK_DIAG) {
		log_warning("live connections cannot be listed either: %s; limits on them do not "
			    "hold",
			    strerror(-error));
		sync->source = CONNECTIONS_OFF;
		tables_live_hold(&daemon->tables, 0);
		forget_all(sync);
		schedule(sync, REST_OFF_MS);
	} else {
		pass_end(sync, error);
	}
	*ret_sync = TAKE_PTR(sync);
	return 0;
}

struct connections_sync *connections_sync_free(struct connections_sync *sync,
					       enum daemon_leave leave)
{
	if (!sync)
		return NULL;
	if (leave == DAEMON_DETACH)
		(void)connection_program_unpin();
	if (sync->link >= 0)
		(void)close(sync->link);
	if (sync->timer)
		event_free(sync->timer);
	sync->list = sock_diag_free(sync->list);
	cookie_set_done(&sync->listed);
	cookie_set_done(&sync->missing);
	cookie_set_done(&sync->unlisted);
	cookie_set_done(&sync->missing_before);
	cookie_set_done(&sync->unlisted_before);
	free(sync);
	return NULL;
}

void connections_sync_check(struct connections_sync *sync)
{
	if (!sync)
		return;
	(void)evtimer_del(sync->timer);
	pass_start(sync);
}

/* From the switch on the kernel counts what opens under the new epoch; the rest is entered now. */
void connections_sync_follow(struct connections_sync *sync)
{
	if (!sync || sync->epoch == sync->daemon->settings.epoch)
		return;
	sync->fills = true;
	cookie_set_clear(&sync->missing_before);
	cookie_set_clear(&sync->unlisted_before);
	connections_sync_check(sync);
}
