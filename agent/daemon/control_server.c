/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request line, one reply line; after "events" with "follow" one line an event.
 */
#include "control_server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "control_commands.h"
#include "control_protocol.h"
#include "control_socket.h"
#include "events.h"
#include "heap.h"
#include "session.h"

/* The last of the connections are kept for those who may change things. */
#define CONNECTIONS         256
#define CONNECTIONS_LOOKING 192

#define SECONDS             10

/* What happens while a follower looks elsewhere: some ten thousand events. */
#define PENDING_MAX (8UL * 1024 * 1024)

/* Of all connections. */
#define PENDING_SUM (16UL * 1024 * 1024)

/* Bytes from which on a reply is worth giving back what it was made from. */
#define LARGE_REPLY 131072

/* No command that only looks is longer. */
#define LOOKING_REQUEST_MAX 65536

struct control_server {
	struct daemon *daemon;
	struct unix_node socket;
	bool group_refused; /* this process may not give it to the group */
	struct session_server *sessions;
};

/* One connection. */
struct control_session {
	struct control_server *server;
	struct session *session;
	struct control_peer peer;
	size_t searched;        /* bytes of the request that have no newline in them */
	struct listing listing; /* what is told, or was told before what is followed */
	bool telling;           /* there is more of it */
	bool following;
	struct events_follower follower;
};

static bool session_opened(struct session *session, int fd, void *context)
{
	struct control_session *mine;
	uid_t user;

	if (control_socket_peer(fd, &user))
		return false;
	mine = calloc(1, sizeof(*mine));
	if (!mine)
		return false;
	mine->server = context;
	mine->session = session;
	mine->peer.may_change = user == 0 || user == geteuid();
	session_set_data(session, mine);
	if (mine->peer.may_change) {
		session_keep(session);
		return true;
	}
	/* Members of the group may ask for what takes long, and ask again and again. */
	session_serve_last(session);
	return session_count(session) <= CONNECTIONS_LOOKING || session_make_room(session);
}

static void session_closed(struct session *session, void *context)
{
	struct control_session *mine = session_data(session);

	(void)context;
	if (mine && mine->following)
		events_unfollow(mine->server->daemon->events, &mine->follower);
	free(mine);
}

static void send_error(struct control_session *mine, const char *message)
{
	_cleanup_free_ char *line = control_error_encode(message);

	session_reply(mine->session, line ? line : "", line ? strlen(line) : 0);
}

static void event_happened(const struct history_record *record, void *context)
{
	const struct control_session *mine = context;
	_cleanup_free_ char *text = NULL, *line = NULL;
	json_t *object;

	if (!history_matches(&mine->listing.filter, record))
		return;
	object = history_json(record);
	text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!text || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		return;
	}
	session_push(mine->session, line, strlen(line));
}

static void follow(struct control_session *mine)
{
	mine->follower = (struct events_follower){ event_happened, mine, NULL };
	mine->following = true;
	events_follow(mine->server->daemon->events, &mine->follower);
}

/* The next part of a list. With the last one of events that are followed nothing is missed: those
 * that come from now on are told by event_happened. */
static void tell(struct control_session *mine)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	const int more = listing_part(&mine->listing, mine->server->daemon, &text, &size);

	mine->telling = more > 0;
	if (more < 0) {
		/* Cut short, which the peer sees. */
		session_reply(mine->session, "", 0);
		return;
	}
	if (!mine->listing.follow) {
		(more ? session_part : session_reply)(mine->session, text, size);
		return;
	}
	if (size)
		session_push(mine->session, text, size);
	if (!more)
		follow(mine);
}

static void session_taken(struct session *session, void *context)
{
	struct control_session *mine = session_data(session);

	(void)context;
	if (mine->telling)
		tell(mine);
}

static void send_reply(struct control_session *mine, struct control_reply *reply)
{
	_cleanup_free_ char *line =
		control_reply_encode(TAKE_PTR(reply->result), TAKE_PTR(reply->warnings));

	if (!line) {
		send_error(mine, "out of memory");
		return;
	}
	/* What it was made from was some times as large. */
	if (strlen(line) >= LARGE_REPLY)
		heap_trim();
	session_reply(mine->session, line, strlen(line));
}

static void answer(struct control_session *mine, const char *line, size_t size)
{
	_cleanup_(control_reply_done) struct control_reply reply = { 0 };
	const char *command, *message;
	json_t *request, *arguments;

	if (control_request_decode(line, size, &request, &command, &arguments, &message)) {
		send_error(mine, message);
		return;
	}
	control_command_run(mine->server->daemon, &mine->peer, command, arguments, &reply);
	json_decref(request);
	if (reply.error) {
		send_error(mine, reply.error);
	} else if (reply.listing.kind) {
		mine->listing = reply.listing;
		tell(mine);
	} else {
		send_reply(mine, &reply);
	}
}

static void session_received(struct session *session, struct evbuffer *input, void *context)
{
	struct control_session *mine = session_data(session);
	const size_t most = mine->peer.may_change ? CONTROL_REQUEST_MAX : LOOKING_REQUEST_MAX;
	struct evbuffer_ptr start, newline;
	char *line;

	(void)context;
	/* From where the last search ended: a long request is looked through once. */
	(void)evbuffer_ptr_set(input, &start, mine->searched, EVBUFFER_PTR_SET);
	newline = evbuffer_search(input, "\n", 1, &start);
	if (newline.pos > (ev_ssize_t)most ||
	    (newline.pos < 0 && evbuffer_get_length(input) > most)) {
		send_error(mine, "the request is too long");
		return;
	}
	if (newline.pos < 0) {
		mine->searched = evbuffer_get_length(input);
		return;
	}
	line = (char *)evbuffer_pullup(input, newline.pos + 1);
	if (line)
		answer(mine, line, (size_t)newline.pos);
	else
		send_error(mine, "out of memory");
}

static const struct session_handler handler = {
	.opened = session_opened,
	.received = session_received,
	.taken = session_taken,
	.closed = session_closed,
	.refusal = "{\"version\":1,\"ok\":false,\"error\":\"too many connections to the agent\"}\n",
};

static const struct session_limits limits = {
	.connections = CONNECTIONS,
	.seconds = SECONDS,
	.pending_max = PENDING_MAX,
	.pending_sum = PENDING_SUM,
};

int control_server_new(struct daemon *daemon, const char *path, const char *group,
		       struct control_server **ret_server)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int listening = -1, error;

	if (!server)
		return -ENOMEM;
	server->daemon = daemon;
	error = control_socket_open(path, group, &server->socket, &listening,
				    &server->group_refused);
	if (!error)
		error = session_server_new(daemon->loop, listening, &limits, &handler, server,
					   &server->sessions);
	if (error) {
		(void)unix_unlisten(&server->socket);
		free(server);
		return error;
	}
	*ret_server = server;
	return 0;
}

bool control_server_group_refused(const struct control_server *server)
{
	return server->group_refused;
}

struct control_server *control_server_free(struct control_server *server)
{
	if (!server)
		return NULL;
	(void)unix_unlisten(&server->socket);
	session_server_free(server->sessions, free);
	return NULL;
}
