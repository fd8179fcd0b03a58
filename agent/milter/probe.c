/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The negotiation and the end of the session go out in one piece: nothing of the probe stays on
 * the other side, whatever becomes of this one.
 */
#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

/* Packets of the milter protocol: a size of four bytes, big endian, which counts from the command
 * on. */
#define COMMAND_NEGOTIATE 'O'
#define COMMAND_QUIT      'Q'

/* Protocol version 6; changes of headers are offered, as it is these that the milter asks for; no
 * steps. */
static const uint8_t question[] = {
	0, 0, 0, 13, COMMAND_NEGOTIATE, 0, 0, 0, 6, 0, 0, 0, 0x10, 0, 0, 0, 0,
	0, 0, 0, 1,  COMMAND_QUIT,
};

/* Version, actions, steps: what an answer has at least. */
#define NEGOTIATION_SIZE 13

void probe_end(struct probe *probe)
{
	if (probe->fd >= 0)
		(void)close(probe->fd);
	*probe = (struct probe){ .fd = -1 };
}

static enum probe_outcome end(struct probe *probe, enum probe_outcome outcome)
{
	probe_end(probe);
	return outcome;
}

enum probe_outcome probe_begin(struct probe *probe, const struct sockaddr *address, socklen_t size)
{
	_cleanup_close_ int fd = -1;

	if (probe->state != PROBE_IDLE)
		return PROBE_GOES_ON;
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (connect(fd, address, size) < 0 && errno != EINPROGRESS))
		return PROBE_FAILED;
	*probe = (struct probe){ .state = PROBE_CONNECTING, .fd = TAKE_FD(fd) };
	return PROBE_GOES_ON;
}

short probe_events(const struct probe *probe)
{
	switch (probe->state) {
	case PROBE_CONNECTING:
		return POLLOUT;
	case PROBE_WAITING:
		return POLLIN;
	default:
		return 0;
	}
}

/* A new connection has room for so few bytes. */
static enum probe_outcome ask(struct probe *probe)
{
	const ssize_t sent = send(probe->fd, question, sizeof(question), MSG_NOSIGNAL);

	if (sent < 0 && errno == EAGAIN)
		return PROBE_GOES_ON;
	if (sent != (ssize_t)sizeof(question))
		return end(probe, PROBE_FAILED);
	probe->state = PROBE_WAITING;
	return PROBE_GOES_ON;
}

static bool is_answer(const struct probe *probe)
{
	static const uint8_t least[] = { 0, 0, 0, NEGOTIATION_SIZE };

	return probe->answered == sizeof(probe->answer) &&
	       memcmp(probe->answer, least, sizeof(least)) >= 0 &&
	       probe->answer[PROBE_ANSWER_SIZE - 1] == COMMAND_NEGOTIATE;
}

/* To the end, so that the other side finds nothing unread and closes in peace. */
static enum probe_outcome hear(struct probe *probe)
{
	uint8_t bytes[64];
	const ssize_t size = recv(probe->fd, bytes, sizeof(bytes), 0);
	size_t kept = sizeof(probe->answer) - probe->answered;

	if (size < 0 && errno == EAGAIN)
		return PROBE_GOES_ON;
	if (size <= 0)
		return end(probe, size == 0 && is_answer(probe) ? PROBE_ANSWERED : PROBE_FAILED);
	if (kept > (size_t)size)
		kept = (size_t)size;
	memcpy(probe->answer + probe->answered, bytes, kept);
	probe->answered += kept;
	return PROBE_GOES_ON;
}

enum probe_outcome probe_step(struct probe *probe)
{
	switch (probe->state) {
	case PROBE_CONNECTING:
		return ask(probe);
	case PROBE_WAITING:
		return hear(probe);
	default:
		return PROBE_GOES_ON;
	}
}
