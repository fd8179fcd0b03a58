/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request line, one reply line.
 */
#include "milter_reports.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "control_protocol.h"
#include "control_socket.h"
#include "log.h"
#include "milter_totals.h"
#include "session.h"
#include "state.h"
#include "unix_listener.h"

/* A process of the milter has one for a moment, every few seconds. */
#define CONNECTIONS 32
#define BACKLOG     64
#define SECONDS     10

#define REQUEST_MAX 4096

/* Anybody may knock; the kernel says who it is. */
#define SOCKET_MODE 0666

struct milter_reports {
	struct daemon *daemon;
	struct unix_node node;
	struct session_server *sessions;
};

bool milter_reports_welcome(uid_t user)
{
	uid_t milter;
	gid_t group;

	return user == 0 || user == geteuid() ||
	       (milter_user_find(&milter, &group) == 0 && user == milter);
}

/* --- the reply --- */

/* Changes whenever the run-time exceptions do, and is the same after a restart. */
static void exceptions_version(const struct rule_set *set, char *text, size_t size)
{
	uint64_t digest = UINT64_C(0x9e3779b97f4a7c15) + set->count;

	for (size_t i = 0; i < set->count; i++) {
		uint64_t words[3] = { 0, 0, set->items[i].prefix.length };

		memcpy(words, set->items[i].prefix.address, 16);
		for (size_t w = 0; w < 3; w++)
			digest = (digest ^ words[w]) * UINT64_C(0xff51afd7ed558ccd) ^ digest >> 29;
	}
	(void)snprintf(text, size, "%016" PRIx64, digest);
}

static json_t *exceptions_json(const struct rule_set *set)
{
	json_t *list = json_array();
	char text[PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < set->count; i++) {
		prefix_format(&set->items[i].prefix, text);
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *result_json(const struct daemon *daemon, const json_t *arguments)
{
	const struct rule_set *exceptions = state_exceptions(daemon->state);
	const char *known = json_string_value(json_object_get(arguments, "exceptions_version"));
	char version[17];
	json_t *result;

	exceptions_version(exceptions, version, sizeof(version));
	result = json_pack("{s:I, s:s}", "configured_ms", (json_int_t)daemon->reload_succeeded.ms,
			   "exceptions_version", version);
	if (result && (!known || strcmp(known, version) != 0))
		(void)json_object_set_new(result, "exceptions", exceptions_json(exceptions));
	return result;
}

/* In memory first: what the file misses after a failure it gets with the next report. */
static int report_take(struct daemon *daemon, const json_t *arguments, char **reterr_message)
{
	bool changed;
	int error = milter_totals_add(&daemon->milter_totals, arguments, &changed, reterr_message);

	if (error)
		return error;
	daemon->milter_totals.reported = mono_now();
	if (!changed)
		return 0;
	error = milter_totals_store(daemon->config->state_directory, &daemon->milter_totals);
	if (error && error != daemon->milter_store_error)
		log_warning("cannot keep the milter's counts in %s: %s",
			    daemon->config->state_directory, strerror(-error));
	daemon->milter_store_error = error;
	return 0;
}

char *milter_reports_answer(struct daemon *daemon, const char *line, size_t size)
{
	_cleanup_free_ char *refusal = NULL;
	const char *command, *message;
	json_t *request, *arguments;
	char *reply;
	int error;

	if (control_request_decode(line, size, &request, &command, &arguments, &message))
		return control_error_encode(message);
	if (strcmp(command, "milter report") != 0) {
		json_decref(request);
		return control_error_encode("this socket is for the milter's reports only");
	}
	error = report_take(daemon, arguments, &refusal);
	reply = error ? control_error_encode(refusal ? refusal : "out of memory")
		      : control_reply_encode(result_json(daemon, arguments), NULL);
	json_decref(request);
	return reply;
}

/* --- connections --- */

static bool session_opened(struct session *session, int fd, void *context)
{
	uid_t user;

	(void)session, (void)context;
	return control_socket_peer(fd, &user) == 0 && milter_reports_welcome(user);
}

static void session_received(struct session *session, struct evbuffer *input, void *context)
{
	const struct evbuffer_ptr newline = evbuffer_search(input, "\n", 1, NULL);
	struct milter_reports *reports = context;
	_cleanup_free_ char *reply = NULL;
	const char *line;

	if (newline.pos < 0 && evbuffer_get_length(input) <= REQUEST_MAX)
		return;
	if (newline.pos < 0 || newline.pos > REQUEST_MAX) {
		reply = control_error_encode("the request is too long");
	} else {
		line = (const char *)evbuffer_pullup(input, newline.pos + 1);
		if (line)
			reply = milter_reports_answer(reports->daemon, line, (size_t)newline.pos);
	}
	session_reply(session, reply ? reply : "", reply ? strlen(reply) : 0);
}

static const struct session_handler handler = {
	.opened = session_opened,
	.received = session_received,
	.refusal = "{\"version\":1,\"ok\":false,\"error\":\"not for this user, or too many "
		   "connections\"}\n",
};

static const struct session_limits limits = {
	.connections = CONNECTIONS,
	.seconds = SECONDS,
	.pending_max = REQUEST_MAX,
};

int milter_reports_new(struct daemon *daemon, const char *control_socket,
		       struct milter_reports **ret_reports)
{
	struct milter_reports *reports = calloc(1, sizeof(*reports));
	_cleanup_free_ char *path = milter_report_socket(control_socket);
	const struct unix_access access = { SOCKET_MODE, (gid_t)-1 };
	int listening = -1, error;

	if (!reports || !path) {
		free(reports);
		return -ENOMEM;
	}
	reports->daemon = daemon;
	error = unix_listen(path, &access, BACKLOG, &reports->node, &listening);
	if (!error)
		error = session_server_new(daemon->loop, listening, &limits, &handler, reports,
					   &reports->sessions);
	if (error) {
		(void)unix_unlisten(&reports->node);
		free(reports);
		return error;
	}
	*ret_reports = reports;
	return 0;
}

struct milter_reports *milter_reports_free(struct milter_reports *reports)
{
	if (!reports)
		return NULL;
	(void)unix_unlisten(&reports->node);
	session_server_free(reports->sessions, free);
	return NULL;
}
