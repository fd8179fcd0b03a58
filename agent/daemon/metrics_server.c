/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metrics page on a TCP socket. libevent's own HTTP server bounds neither the number of
 * connections nor what the first bytes of one may cost; this one answers a single question and
 * shares the control socket's bounds.
 */
#include "metrics_server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "connections_sync.h"
#include "http_request.h"
#include "log.h"
#include "metrics_format.h"
#include "policy.h"
#include "policy_server.h"
#include "session.h"
#include "sweep.h"
#include "tcp_listener.h"
#include "views.h"

/* More than can arrive before one that has asked is answered. */
#define CONNECTIONS 512
#define SECONDS     10
/* A scrape's timeout is shorter. */
#define REPLY_SECONDS 30
#define BACKLOG       1024
#define PENDING_SUM   (4UL * 1024 * 1024)

/* One page serves all who ask within so long: however many do, it costs little. */
#define PAGE_MS 20

struct metrics_server {
	struct daemon *daemon;
	struct session_server *sessions;
	int listening; /* the sessions' */
	bool paused;
	struct sockaddr_storage address; /* that it listens on */
	char *page;                      /* NULL: none yet; owned */
	size_t page_size;
	struct mono_ms page_made;
};

/* --- page --- */

static int page_make(const struct daemon *daemon, char **ret_text, size_t *ret_size)
{
	const struct sweep_result *swept = sweep_last(daemon->sweep);
	_cleanup_free_ struct stats *stats = NULL;
	struct metrics_input input = {
		.config = daemon->config,
		.settings = &daemon->settings,
		.interfaces = &daemon->interfaces,
		.requests = policy_server_stats(daemon->policy_server),
		.sources = swept ? swept->sources : 0,
		.sources_capacity = daemon->tables.source_capacity,
		.exceptions = view_exception_count(daemon),
		.blocks = view_block_count(daemon),
		.connections_drift = connections_sync_drift(daemon->connections),
		.connections_uncounted = tables_live_uncounted(&daemon->tables),
		.connections_source = connections_sync_source(daemon->connections),
		.milter_messages = daemon->milter_totals.messages,
		.config_stale = config_is_stale(daemon->config, config_identify_file, NULL),
		.reload_ok = daemon->reload_ok,
		.reload_succeeded_ms = daemon->reload_succeeded.ms,
	};
	const int error = stats_read(&daemon->tables, &stats);

	if (error)
		return error;
	input.stats = stats;
	for (uint32_t slot = 0; slot < SA_SERVICE_SLOTS; slot++)
		input.connections[slot] =
			tables_live_of_service(&daemon->tables, slot, daemon->settings.epoch);
	process_stats_read(&input.process);
	policy_stats_read(daemon->policy, mono_now(), &input.policy);
	return metrics_format(&input, ret_text, ret_size);
}

static int page_get(struct metrics_server *server)
{
	const struct mono_ms now = mono_now();
	char *page;
	size_t size;
	int error;

	if (server->page && now.ms - server->page_made.ms < PAGE_MS)
		return 0;
	error = page_make(server->daemon, &page, &size);
	if (error)
		return error;
	free(server->page);
	server->page = page;
	server->page_size = size;
	server->page_made = now;
	return 0;
}

/* --- connections --- */

static void respond(struct session *session, enum http_status status, const char *type,
		    const char *body, size_t size)
{
	_cleanup_free_ char *response = NULL;
	char head[256];
	const int length = snprintf(head, sizeof(head),
				    "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
				    "Connection: close\r\n\r\n",
				    http_status_line(status), type, size,
				    status == HTTP_METHOD_NOT_ALLOWED ? "Allow: GET\r\n" : "");

	response = malloc((size_t)length + size);
	if (!response) {
		session_reply(session, "", 0);
		return;
	}
	memcpy(response, head, (size_t)length);
	memcpy(response + length, body, size);
	session_reply(session, response, (size_t)length + size);
}

static void received(struct session *session, struct evbuffer *input, void *context)
{
	struct metrics_server *server = context;
	const size_t size = evbuffer_get_length(input);
	const char *text = (const char *)evbuffer_pullup(input, -1);
	enum http_status status = text ? http_request_judge(text, size) : HTTP_MORE;
	char line[64];

	if (status == HTTP_MORE)
		return;
	if (status == HTTP_METRICS && page_get(server))
		status = HTTP_INTERNAL_ERROR;
	(void)evbuffer_drain(input, size);
	if (status == HTTP_METRICS) {
		respond(session, status, "text/plain; version=0.0.4; charset=utf-8", server->page,
			server->page_size);
		return;
	}
	(void)snprintf(line, sizeof(line), "%s\n", http_status_line(status));
	respond(session, status, "text/plain; charset=utf-8", line, strlen(line));
}

static const struct session_handler handler = {
	.received = received,
	.refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: "
		   "close\r\n\r\n",
};

static const struct session_limits limits = {
	.connections = CONNECTIONS,
	.seconds = SECONDS,
	.reply_seconds = REPLY_SECONDS,
	.pending_sum = PENDING_SUM,
};

/* --- socket --- */

static int listen_on(struct metrics_server *server, const char *listen,
		     const struct addrinfo *address)
{
	int error = tcp_listen(address->ai_addr, address->ai_addrlen, BACKLOG, &server->listening);

	if (error == -EADDRNOTAVAIL) {
		error = tcp_listen_early(address->ai_addr, address->ai_addrlen, BACKLOG,
					 &server->listening);
		if (!error)
			log_warning("metrics_listen: %s is no address of this host now; it is "
				    "listened on there as soon as it is one",
				    listen);
	}
	return error;
}

/* Who else has the port is asked by trying: only that tells whether it is all the predecessor's. */
static int socket_listen(struct metrics_server *server, const char *listen,
			 struct metrics_server *replaced)
{
	struct addrinfo *addresses;
	/* An address, which nobody is asked for. */
	int error = tcp_resolve(listen, mono_now(), &addresses);

	if (error)
		return error;
	memcpy(&server->address, addresses->ai_addr, addresses->ai_addrlen);
	error = listen_on(server, listen, addresses);
	if (error == -EADDRINUSE && replaced &&
	    tcp_same_port(addresses->ai_addr, (const struct sockaddr *)&replaced->address)) {
		tcp_pause(replaced->listening);
		replaced->paused = true;
		error = listen_on(server, listen, addresses);
	}
	freeaddrinfo(addresses);
	return error;
}

int metrics_server_new(struct daemon *daemon, const char *listen, struct metrics_server *replaced,
		       struct metrics_server **ret_server)
{
	struct metrics_server *server = calloc(1, sizeof(*server));
	int error;

	if (!server)
		return -ENOMEM;
	server->daemon = daemon;
	error = socket_listen(server, listen, replaced);
	if (!error)
		error = session_server_new(daemon->loop, server->listening, &limits, &handler,
					   server, &server->sessions);
	if (error) {
		metrics_server_resume(replaced);
		free(server);
		return error;
	}
	*ret_server = server;
	return 0;
}

void metrics_server_resume(struct metrics_server *server)
{
	int error;

	if (!server || !server->paused)
		return;
	error = tcp_resume(server->listening, BACKLOG);
	server->paused = error != 0;
	if (error)
		log_error("metrics_listen: cannot listen any more: %s", strerror(-error));
}

bool metrics_server_paused(const struct metrics_server *server)
{
	return server && server->paused;
}

static void released(void *context)
{
	struct metrics_server *server = context;

	free(server->page);
	free(server);
}

struct metrics_server *metrics_server_free(struct metrics_server *server)
{
	if (server)
		session_server_free(server->sessions, released);
	return NULL;
}
