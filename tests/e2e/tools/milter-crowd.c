/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * milter-crowd CONNECTIONS PORT FIELD MEGABYTES: as many mail servers at once, each with a message
 * whose header does not end: fields of FIELD bytes, the first 2,000 under names of their own. Each
 * connection is sent a little in turn, and waits until that was taken; so all of them have got
 * equally far at any time. Once each was sent so much the headers end. Prints one line: refused=N,
 * of how many messages the milter said that they have too much.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define FIELD_MAX       60000U
#define PACKET_MAX      (FIELD_MAX + 64)
#define TURN_BYTES      65536U

#define TURN_FIELDS     256U
#define NAMES           2000U

/* Version 6; changes of headers; no steps, so each field is answered. */
static const uint8_t negotiation[] = { 0, 0, 0, 13, 'O', 0, 0, 0, 6, 0, 0, 0, 16, 0, 0, 0, 0 };

static void die(const char *what)
{
	fprintf(stderr, "milter-crowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(int fd, const void *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

		if (sent <= 0)
			die("send");
		bytes = (const char *)bytes + sent;
		size -= (size_t)sent;
	}
}

static void hear(int fd, void *bytes, size_t size)
{
	if (size > 0 && recv(fd, bytes, size, MSG_WAITALL) != (ssize_t)size)
		die("recv");
}

/* A packet; the answer's command. Its data is left out. */
static char answer(int fd)
{
	uint8_t head[5];
	uint8_t rest[512];
	size_t size;

	hear(fd, head, sizeof(head));
	size = (size_t)head[2] << 8 | head[3];
	if (head[0] || head[1] || size < 1 || size > sizeof(rest))
		die("answer");
	hear(fd, rest, size - 1);
	return (char)head[4];
}

/* What is said next, in one piece: TCP waits before it sends many small ones. */
static uint8_t pending[TURN_BYTES + 16 * TURN_FIELDS + 2 * PACKET_MAX];
static size_t pending_size;

static void flush(int fd)
{
	say(fd, pending, pending_size);
	pending_size = 0;
}

static void packet(char command, const void *data, size_t size)
{
	uint8_t *bytes = pending + pending_size;

	bytes[0] = bytes[1] = 0;
	bytes[2] = (uint8_t)((size + 1) >> 8);
	bytes[3] = (uint8_t)(size + 1);
	bytes[4] = (uint8_t)command;
	memcpy(bytes + 5, data, size);
	pending_size += 5 + size;
}

static char ask(int fd, char command, const void *data, size_t size)
{
	packet(command, data, size);
	flush(fd);
	return answer(fd);
}

static int begin(unsigned port)
{
	static const char client[] = "client.example\0U";
	static const char sender[] = "<sender@example.org>";
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval patience = { .tv_sec = 30 };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		die("connect");
	say(fd, negotiation, sizeof(negotiation));
	if (answer(fd) != 'O')
		die("negotiation");
	if (ask(fd, 'C', client, sizeof(client) - 1) != 'c')
		die("connection");
	if (ask(fd, 'M', sender, sizeof(sender)) != 'c')
		die("MAIL");
	return fd;
}

/* The number-th field of a message. */
static size_t field(unsigned number, size_t size)
{
	static char data[PACKET_MAX];
	const int name = snprintf(data, 32, number < NAMES ? "X-%u" : "X", number);

	memset(data + name + 1, 'v', size);
	data[(size_t)name + 1] = ' ';
	data[(size_t)name + 1 + size] = '\0';
	packet('L', data, (size_t)name + size + 2);
	return (size_t)name + size + 2;
}

/* A turn's worth of fields, from the number-th on; how many bytes that was. */
static size_t turn(int fd, unsigned *number, size_t size)
{
	size_t sent = 0;
	unsigned count = 0;

	while (count < TURN_FIELDS && sent < TURN_BYTES) {
		sent += field((*number)++, size);
		count++;
	}
	flush(fd);
	while (count-- > 0) {
		if (answer(fd) != 'c')
			die("field");
	}
	return sent;
}

int main(int argc, char **argv)
{
	static int fds[CONNECTIONS_MAX];
	static unsigned sent[CONNECTIONS_MAX];
	unsigned long count, port, size, bytes;
	unsigned refused = 0;

	if (argc != 5)
		return 2;
	count = strtoul(argv[1], NULL, 10);
	port = strtoul(argv[2], NULL, 10);
	size = strtoul(argv[3], NULL, 10);
	bytes = strtoul(argv[4], NULL, 10) << 20;
	if (!count || count > CONNECTIONS_MAX || !port || port > 65535 || !size || size > FIELD_MAX)
		return 2;
	for (unsigned long i = 0; i < count; i++)
		fds[i] = begin((unsigned)port);
	for (size_t all = 0; all < bytes;) {
		size_t one = 0;

		for (unsigned long i = 0; i < count; i++)
			one = turn(fds[i], &sent[i], size);
		all += one;
	}
	for (unsigned long i = 0; i < count; i++)
		refused += ask(fds[i], 'N', "", 0) == 'y';
	printf("refused=%u\n", refused);
	return 0;
}
