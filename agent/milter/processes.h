/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process a listener, since libmilter has one listener a process; supervision.h is what the one
 * above them does.
 */
#ifndef MILTER_PROCESSES_H
#define MILTER_PROCESSES_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "milter_sockets.h"

/* Ends the milter and leaves its sockets for the next start. */
#define MILTER_LEAVE_SIGNAL SIGUSR1

struct processes {
	pid_t ids[MILTER_SOCKETS_MAX]; /* 0: has ended */
	size_t count;
};

/* Those that the process above the others waits for. */
void processes_signals(sigset_t *ret_set);

/* What comes during the start waits for its end: a reload must not end the milter, and who leaves
 * has to hand over what it was given. */
void processes_delay_signals(void);

/* Blocks these, and those that it sends to the others, who inherit that. */
void processes_hold_signals(void);

/* 1 in the new process, 0 in the old one, or -errno. */
int processes_add(struct processes *processes);

void processes_signal(const struct processes *processes, int number);

/* Notes who has ended: whether anybody. */
bool processes_collect(struct processes *processes);

/* How many have not. */
size_t processes_left(const struct processes *processes);

#endif
