/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process a listener, since libmilter has one listener a process; and above them one that takes
 * the signals: SIGHUP reloads, SIGTERM and SIGINT end all.
 */
#ifndef MILTER_PROCESSES_H
#define MILTER_PROCESSES_H

#include <stddef.h>
#include <sys/types.h>

#include "milter_sockets.h"

struct processes {
	pid_t ids[MILTER_SOCKETS_MAX]; /* 0: has ended */
	size_t count;
};

/* Blocks what processes_supervise waits for, and what it tells the children, who inherit that.
 */
void processes_hold_signals(void);

/* 1 in the new process, 0 in the old one, or -errno. */
int processes_add(struct processes *processes);

/* Returns when all have ended: 0 if that was wanted, -EIO if one of them has ended by itself. */
int processes_supervise(struct processes *processes);

#endif
