/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connections_sync.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "connection_program.h"
#include "connections_pass.h"
#include "log.h"
#include "sock_diag.h"

/* From the end of a pass to the next. Checking a connection costs half a microsecond. */
#define REST_CHECK_MS 10000
/* What a first pass has entered too much is gone soon. */
#define REST_SETTLING_MS 200
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

	struct connections_pass pass;
	bool walking;       /* the entries: the whole list has come */
	uint64_t uncounted; /* as last complained about */
	int reported;       /* likewise, the error */
};

enum connections_source connections_sync_source(const struct connections_sync *sync)
{
	return sync ? sync->source : CONNECTIONS_OFF;
}

uint64_t connections_sync_drift(const struct connections_sync *sync)
{
	return sync ? sync->pass.drift : 0;
}

static void schedule(struct connections_sync *sync, unsigned ms)
{
	const struct timeval after = { .tv_sec = ms / 1000,
				       .tv_usec = (suseconds_t)ms % 1000 * 1000 };

	(void)evtimer_add(sync->timer, &after);
}

static void socket_found(const struct sock_diag_socket *socket, void *context)
{
	struct connections_sync *sync = context;

	connections_pass_socket(&sync->pass, socket);
}

static void report(struct connections_sync *sync)
{
	const uint64_t uncounted = tables_live_uncounted(&sync->daemon->tables);

	if (sync->pass.error && sync->pass.error != sync->reported)
		log_warning("cannot hold the live connections against the kernel's list: %s; "
			    "trying again",
			    strerror(-sync->pass.error));
	sync->reported = sync->pass.error;
	if (uncounted != sync->uncounted)
		log_warning("%llu live connections could not be counted: there are more than %d, "
			    "or too many sources; no limit holds for them",
			    (unsigned long long)(uncounted - sync->uncounted), SA_CONNECTIONS_MAX);
	sync->pass.awaited += uncounted - sync->uncounted;
	sync->uncounted = uncounted;
}

/* Without a new list the limits end: counts that stand still would keep clients out for ever. */
static void limits_hold(const struct connections_sync *sync)
{
	if (sync->source == CONNECTIONS_KERNEL)
		tables_live_hold(&sync->daemon->tables, SA_LIVE_ALWAYS);
	else if (!sync->pass.error)
		tables_live_hold(&sync->daemon->tables, mono_now().ms + HOLD_ALONE_MS);
}

/*
 * Where nothing could be listed: whether that is still so. It was said once; limits do not hold
 * until a pass has come to its end, and what a shorter one has entered is forgotten.
 */
static bool is_still_off(struct connections_sync *sync)
{
	if (sync->source != CONNECTIONS_OFF)
		return false;
	if (sync->pass.error) {
		connections_pass_forget(&sync->pass);
		schedule(sync, REST_OFF_MS);
		return true;
	}
	sync->source = CONNECTIONS_SOCK_DIAG;
	log_info("live connections can be listed now, once a second; limits on them hold");
	return false;
}

static void pass_end(struct connections_sync *sync, int error)
{
	struct connections_pass *pass = &sync->pass;

	connections_pass_note_error(pass, error);
	if (is_still_off(sync))
		return;
	connections_pass_end(pass);
	limits_hold(sync);
	report(sync);
	if (pass->fills)
		schedule(sync, REST_ALONE_MS);
	else
		schedule(sync, pass->settling ? REST_SETTLING_MS : REST_CHECK_MS);
}

static void list_done(int error, void *context)
{
	struct connections_sync *sync = context;

	if (!error)
		error = sync->pass.error;
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

	sync->walking = false;
	connections_pass_begin(&sync->pass);
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
	more = connections_pass_walk(&sync->pass);
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

	connections_pass_begin(&sync->pass);
	more = sock_diag_run(sync->list);
	if (!more)
		more = sync->pass.error;
	for (more = more ? more : 1; more > 0;)
		more = connections_pass_walk(&sync->pass);
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
		connections_pass_forget(&sync->pass);
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
	sync->pass.alone = true;
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
	sync->pass.settings = &daemon->settings;
	sync->pass.tables = &daemon->tables;
	connections_pass_start_over(&sync->pass);
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
		connections_pass_forget(&sync->pass);
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
	connections_pass_done(&sync->pass);
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
	if (!sync || sync->pass.epoch == sync->daemon->settings.epoch)
		return;
	connections_pass_start_over(&sync->pass);
	connections_sync_check(sync);
}
