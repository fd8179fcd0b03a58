/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Talks to the agent. Every wait is bounded by the client's timeout except for the next line of a
 * stream.
 */
#include "control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "control_protocol.h"

#define WAIT_FOREVER (-1)

static enum client_result __attribute__((format(printf, 3, 4)))
fail(struct client *client, enum client_result result, const char *format, ...)
{
	va_list arguments;
	char *message = NULL;

	va_start(arguments, format);
	if (vasprintf(&message, format, arguments) < 0)
		message = NULL;
	va_end(arguments);
	free(client->message);
	client->message = message;
	return result;
}

static enum client_result fail_connect(struct client *client, const char *path, int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return fail(client, CLIENT_NOBODY, "no agent answers: there is no socket %s", path);
	case ECONNREFUSED:
		return fail(client, CLIENT_NOBODY, "no agent answers: nobody listens on %s", path);
	case EAGAIN:
	case ETIMEDOUT:
		return fail(client, CLIENT_NOBODY, "no agent answers: %s takes no more connections",
			    path);
	case EACCES:
	case EPERM:
		return fail(
			client, CLIENT_FAILED,
			"no permission for %s: be root, or a member of the agent's control_group",
			path);
	default:
		return fail(client, CLIENT_FAILED, "%s: %s", path, strerror(error));
	}
}

static enum client_result connect_to(struct client *client, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = client->timeout_ms / 1000,
				 .tv_usec = client->timeout_ms % 1000 * 1000L };
	const size_t length = strlen(path);
	int flags;

	if (length == 0 || length >= sizeof(address.sun_path))
		return fail(client, CLIENT_PATH_BAD, "%s: a socket's path has 1 to %zu characters",
			    path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, length);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return fail(client, CLIENT_FAILED, "socket: %s", strerror(errno));
	/* connect waits while the listener's backlog is full; this bounds it, and nothing else here
	 * blocks */
	if (setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
	    connect(client->fd, (const struct sockaddr *)&address, sizeof(address)))
		return fail_connect(client, path, errno);
	flags = fcntl(client->fd, F_GETFL);
	if (flags < 0 || fcntl(client->fd, F_SETFL, flags | O_NONBLOCK))
		return fail(client, CLIENT_FAILED, "%s: %s", path, strerror(errno));
	return CLIENT_OK;
}

/* Who listens, by the kernel's word. */
static void know_agent(struct client *client)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0)
		client->agent = pidfd_open(peer.pid, 0);
}

/* Waits for events on fd. 0, -ETIMEDOUT, or another -errno. */
static int wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	int ready;

	do
		ready = poll(&pollfd, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -errno;
	return ready ? 0 : -ETIMEDOUT;
}

/* An agent that refuses a request early closes its end, and its reply is there to be read: EPIPE is
 * no error here. */
static int send_all(const struct client *client, const char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);
		int result;

		if (sent >= 0) {
			bytes += sent;
			size -= (size_t)sent;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		result = wait_for(client->fd, POLLOUT, client->timeout_ms);
		if (result)
			return result;
	}
	return 0;
}

static int make_room(struct client *client)
{
	size_t wanted = client->allocated ? 2 * client->allocated : 4096;
	char *buffer;

	if (client->size < client->allocated)
		return 0;
	if (wanted > CLIENT_LINE_MAX)
		return -EMSGSIZE;
	buffer = realloc(client->buffer, wanted);
	if (!buffer)
		return -ENOMEM;
	client->buffer = buffer;
	client->allocated = wanted;
	return 0;
}

/* Reads more into the buffer. Number of bytes, 0 at the end, or -errno. */
static ssize_t read_more(struct client *client, int timeout_ms)
{
	int result = make_room(client);

	while (!result) {
		ssize_t count = recv(client->fd, client->buffer + client->size,
				     client->allocated - client->size, 0);
		if (count >= 0) {
			client->size += (size_t)count;
			return count;
		}
		if (errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		result = wait_for(client->fd, POLLIN, timeout_ms);
	}
	return result;
}

/* The line handed out last gives way to the next one. */
static void drop_line(struct client *client)
{
	client->size -= client->line_size;
	if (client->size)
		memmove(client->buffer, client->buffer + client->line_size, client->size);
	client->line_size = 0;
}

/* The next line, without its newline, at the start of the buffer. */
static enum client_result read_line(struct client *client, int timeout_ms, size_t *ret_size)
{
	size_t searched = 0;

	drop_line(client);
	for (;;) {
		char *end = client->size > searched ? memchr(client->buffer + searched, '\n',
							     client->size - searched)
						    : NULL;
		ssize_t count;

		if (end) {
			*ret_size = (size_t)(end - client->buffer);
			client->line_size = *ret_size + 1;
			return CLIENT_OK;
		}
		searched = client->size;
		count = read_more(client, timeout_ms);
		if (count == 0 && client->size)
			return fail(client, CLIENT_FAILED, "the agent's reply was cut short");
		if (count == 0)
			return fail(client, CLIENT_NOBODY,
				    "no agent answers: the connection was closed without a reply");
		if (count == -ETIMEDOUT && client->size)
			return fail(client, CLIENT_FAILED, "the agent's reply stopped half way");
		if (count == -ETIMEDOUT)
			return fail(client, CLIENT_NOBODY, "no agent answers: no reply for %d s",
				    (timeout_ms + 999) / 1000);
		if (count < 0)
			return fail(client, CLIENT_FAILED, "reading the agent's reply: %s",
				    strerror((int)-count));
	}
}

static enum client_result send_request(struct client *client, const char *command,
				       json_t *arguments)
{
	_cleanup_free_ char *request = control_request_encode(command, arguments);
	int result;

	if (!request)
		return fail(client, CLIENT_FAILED,
			    "the request cannot be written as JSON: an argument is "
			    "not valid UTF-8, or memory is short");
	if (strlen(request) > CONTROL_REQUEST_MAX)
		return fail(client, CLIENT_FAILED,
			    "the request is too long: give fewer prefixes at once");
	result = send_all(client, request, strlen(request));
	if (result == -ETIMEDOUT)
		return fail(client, CLIENT_NOBODY,
			    "no agent answers: it does not take the request");
	if (result)
		return fail(client, CLIENT_FAILED, "sending to the agent: %s", strerror(-result));
	return CLIENT_OK;
}

enum client_result client_call(struct client *client, const char *path, const char *command,
			       json_t *arguments, json_t **ret_result, json_t **ret_warnings)
{
	enum client_result result = connect_to(client, path);
	const char *error = NULL;
	size_t size = 0;
	int decoded;

	if (result == CLIENT_OK) {
		know_agent(client);
		result = send_request(client, command, arguments);
	}
	if (result == CLIENT_OK)
		result = read_line(client, client->timeout_ms, &size);
	if (result != CLIENT_OK)
		return result;
	*ret_warnings = NULL;
	decoded = control_reply_decode(client->buffer, size, &client->reply, ret_result,
				       ret_warnings, &error);
	if (decoded == -EREMOTEIO)
		return fail(client, CLIENT_FAILED, "%s", error);
	if (decoded)
		return fail(client, CLIENT_FAILED,
			    "what answers on %s is no agent that this program "
			    "understands: %s",
			    path, error);
	return CLIENT_OK;
}

enum client_result client_next(struct client *client, json_t **ret_object)
{
	size_t size = 0;
	enum client_result result = read_line(client, WAIT_FOREVER, &size);
	json_t *object;

	if (result == CLIENT_NOBODY)
		return fail(client, CLIENT_NOBODY, "the agent has ended the connection");
	if (result != CLIENT_OK)
		return result;
	object = json_loadb(client->buffer, size, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(object)) {
		json_decref(object);
		return fail(client, CLIENT_FAILED, "the agent sent a line that is no JSON object");
	}
	*ret_object = object;
	return CLIENT_OK;
}

enum client_result client_wait_gone(struct client *client)
{
	int waited;

	if (client->agent < 0)
		return CLIENT_OK;
	waited = wait_for(client->agent, POLLIN, client->timeout_ms);
	if (waited)
		return fail(client, CLIENT_FAILED,
			    "the agent has agreed to leave, but is still there");
	return CLIENT_OK;
}

void client_done(struct client *client)
{
	if (client->agent >= 0)
		(void)close(client->agent);
	if (client->fd >= 0)
		(void)close(client->fd);
	json_decref(client->reply);
	free(client->buffer);
	free(client->message);
	*client = CLIENT_INIT(client->timeout_ms);
}
