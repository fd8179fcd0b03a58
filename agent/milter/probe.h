/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks a listener of our own as a mail server would: connects, offers the milter protocol, and
 * waits for the answer. It comes only if libmilter accepts, starts a thread and calls back. Never
 * blocks.
 */
#ifndef MILTER_PROBE_H
#define MILTER_PROBE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* What is looked at of an answer: its size and its command. */
#define PROBE_ANSWER_SIZE 5

enum probe_state {
	PROBE_IDLE,       /* nothing was asked */
	PROBE_CONNECTING, /* waits for the descriptor to be writable */
	PROBE_WAITING,    /* has asked; waits for it to be readable, until the other side closes */
};

enum probe_outcome {
	PROBE_GOES_ON,
	PROBE_ANSWERED,
	PROBE_FAILED, /* nobody is there, or nobody who speaks as we do */
};

/* All zero but for fd, which is -1: idle. */
struct probe {
	enum probe_state state;
	int fd;
	uint8_t answer[PROBE_ANSWER_SIZE];
	size_t answered;
};

/* Begins, if it is idle. The outcome is never PROBE_ANSWERED. */
enum probe_outcome probe_begin(struct probe *probe, const struct sockaddr *address, socklen_t size);

/* What poll(2) is to wait for. */
short probe_events(const struct probe *probe);

/* Goes on after that; idle again with an outcome other than PROBE_GOES_ON. */
enum probe_outcome probe_step(struct probe *probe);

void probe_end(struct probe *probe);

#endif
