/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMTP sessions that are opened, held without a word, and ended, as lines on standard input say:
 *
 *   open SOURCE COUNT   COUNT connections at once; those that are greeted with 220 are held
 *   close SOURCE COUNT  QUIT on so many that are held; each is over once the server has closed it
 *
 * Each line is answered by itself with what came of it: served=N refused=N silent=N waiting=N, or
 * closed=N. refused: 421, or closed without a word; silent: no answer to the SYN within CONNECT_MS,
 * before it would be sent again; waiting: connected, but not greeted within GREETING_MS. Only
 * served ones stay. All end with standard input.
 *
 * sessions HOST PORT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SESSIONS_MAX 1000
#define CONNECT_MS   500
#define GREETING_MS  20000

enum outcome { CONNECTING, CONNECTED, SERVED, REFUSED, SILENT, WAITING, OUTCOMES };

struct session {
	int fd; /* -1: not held */
	struct in_addr source;
};

struct client {
	struct sockaddr_in server;
	struct session sessions[SESSIONS_MAX];
	size_t count;
};

static void die(const char *what)
{
	fprintf(stderr, "sessions: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int connection_start(const struct client *client, struct in_addr source)
{
	const struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = source };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (bind(fd, (const struct sockaddr *)&name, sizeof(name)))
		die("bind");
	if (connect(fd, (const struct sockaddr *)&client->server, sizeof(client->server)) &&
	    errno != EINPROGRESS)
		die("connect");
	return fd;
}

static enum outcome greeting_read(int fd)
{
	char text[512];
	ssize_t size = recv(fd, text, sizeof(text), 0);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return CONNECTED;
	return size >= 3 && memcmp(text, "220", 3) == 0 ? SERVED : REFUSED;
}

/* What is known of a connection after poll(2) said something of it. */
static enum outcome connection_advance(int fd, enum outcome outcome)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (outcome == CONNECTED)
		return greeting_read(fd);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) || error)
		return REFUSED;
	return CONNECTED;
}

static bool undecided(enum outcome outcome)
{
	return outcome == CONNECTING || outcome == CONNECTED;
}

/* A machine that held this process up may have answered long ago. */
static bool is_answered(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };

	return poll(&one, 1, 0) > 0;
}

/* One round: waits for news until the time is up. False once all are decided. */
static bool wait_round(struct pollfd *polls, enum outcome *outcomes, size_t count, int64_t start_ms)
{
	const int64_t age_ms = now_ms() - start_ms;
	bool more = false;

	for (size_t i = 0; i < count; i++) {
		if (outcomes[i] == CONNECTING && age_ms >= CONNECT_MS && !is_answered(polls[i].fd))
			outcomes[i] = SILENT;
		else if (outcomes[i] == CONNECTED && age_ms >= GREETING_MS)
			outcomes[i] = WAITING;
		polls[i].events = outcomes[i] == CONNECTING ? POLLOUT : POLLIN;
		if (!undecided(outcomes[i]))
			polls[i].fd = -1;
		more = more || undecided(outcomes[i]);
	}
	if (more && poll(polls, count, 20) < 0 && errno != EINTR)
		die("poll");
	for (size_t i = 0; i < count; i++)
		if (polls[i].fd >= 0 && polls[i].revents)
			outcomes[i] = connection_advance(polls[i].fd, outcomes[i]);
	return more;
}

static void sessions_open(struct client *client, struct in_addr source, size_t count)
{
	enum outcome outcomes[SESSIONS_MAX] = { CONNECTING };
	struct pollfd polls[SESSIONS_MAX];
	int fds[SESSIONS_MAX];
	unsigned tally[OUTCOMES] = { 0 };
	int64_t start_ms = now_ms();

	for (size_t i = 0; i < count; i++) {
		fds[i] = connection_start(client, source);
		polls[i] = (struct pollfd){ .fd = fds[i] };
	}
	while (wait_round(polls, outcomes, count, start_ms))
		continue;
	for (size_t i = 0; i < count; i++) {
		tally[outcomes[i]]++;
		if (outcomes[i] == SERVED && client->count < SESSIONS_MAX)
			client->sessions[client->count++] = (struct session){ fds[i], source };
		else
			(void)close(fds[i]);
	}
	printf("served=%u refused=%u silent=%u waiting=%u\n", tally[SERVED], tally[REFUSED],
	       tally[SILENT], tally[WAITING]);
}

/* Until the server has said goodbye and closed: then nobody counts it any more. */
static void session_end(struct session *session)
{
	struct pollfd wait = { .fd = session->fd, .events = POLLIN };
	char text[512];

	(void)send(session->fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	for (;;) {
		if (poll(&wait, 1, GREETING_MS) <= 0)
			break;
		if (recv(session->fd, text, sizeof(text), 0) <= 0)
			break;
	}
	(void)close(session->fd);
	session->fd = -1;
}

static void sessions_close(struct client *client, struct in_addr source, size_t count)
{
	unsigned closed = 0;

	for (size_t i = 0; i < client->count && closed < count; i++) {
		struct session *session = &client->sessions[i];

		if (session->fd < 0 || session->source.s_addr != source.s_addr)
			continue;
		session_end(session);
		closed++;
	}
	printf("closed=%u\n", closed);
}

static void obey(struct client *client, const char *line)
{
	char order[16], text[INET_ADDRSTRLEN];
	struct in_addr source;
	unsigned count;

	if (sscanf(line, "%15s %15s %u", order, text, &count) != 3 || count > SESSIONS_MAX ||
	    inet_pton(AF_INET, text, &source) != 1) {
		fprintf(stderr, "sessions: what is %s", line);
		exit(2);
	}
	if (strcmp(order, "open") == 0)
		sessions_open(client, source, count);
	else
		sessions_close(client, source, count);
	if (fflush(stdout))
		die("standard output");
}

int main(int argc, char **argv)
{
	static struct client client = { .server.sin_family = AF_INET };
	char line[128];

	if (argc != 3 || inet_pton(AF_INET, argv[1], &client.server.sin_addr) != 1) {
		fprintf(stderr, "usage: sessions HOST PORT\n");
		return 2;
	}
	client.server.sin_port = htons((uint16_t)atoi(argv[2]));
	while (fgets(line, sizeof(line), stdin))
		obey(&client, line);
	return 0;
}
