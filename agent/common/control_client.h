/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of the control socket: one connection, one request, one reply; after
 * that, single lines where the request asked for them. Says what went wrong in a message and
 * whether anybody answered at all.
 */
#ifndef AGENT_CONTROL_CLIENT_H
#define AGENT_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CLIENT_TIMEOUT_MS 10000

/* Longest line that is taken from an agent: an exception list at its largest capacity fits. */
#define CLIENT_LINE_MAX (512UL * 1024 * 1024)

/* How a conversation ended. */
enum client_result {
	CLIENT_OK,
	CLIENT_NOBODY,   /* no socket, nobody listens, or no reply came */
	CLIENT_FAILED,   /* somebody answered, or the socket is not for us */
	CLIENT_PATH_BAD, /* the path can be no socket's */
};

struct client {
	int fd;
	int agent; /* pidfd of the process at the other end; -1 where it cannot be had */
	int timeout_ms;
	char *buffer; /* what was read and not yet used */
	size_t size;
	size_t allocated;
	size_t line_size; /* of the line at the start of the buffer that was handed out; dropped by
			     the next read */
	json_t *reply;
	char *message; /* why it failed: one or several lines */
};

#define CLIENT_INIT(timeout) ((struct client){ .fd = -1, .agent = -1, .timeout_ms = (timeout) })

/*
 * Connects to path, sends command and arguments (may be NULL), waits for the reply. On CLIENT_OK
 * *ret_result and *ret_warnings (may be NULL) are borrowed from the client; otherwise
 * client->message says why.
 */
enum client_result client_call(struct client *client, const char *path, const char *command,
			       json_t *arguments, json_t **ret_result, json_t **ret_warnings);

/* Waits, for as long as it takes, for the next line of a stream, which must be one object; the
 * caller owns it. */
enum client_result client_next(struct client *client, json_t **ret_object);

/*
 * Waits for the agent's process to end, after a call that told it to. At once CLIENT_OK where its
 * end cannot be seen from here (another PID namespace).
 */
enum client_result client_wait_gone(struct client *client);

void client_done(struct client *client);

#endif
