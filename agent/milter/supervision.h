/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process above the others does: takes the signals (SIGHUP reloads, SIGTERM and SIGINT end
 * all, SIGUSR1 does too and leaves the sockets for the next start), and tells the service manager
 * how they are.
 */
#ifndef MILTER_SUPERVISION_H
#define MILTER_SUPERVISION_H

#include "processes.h"

struct supervision {
	struct processes *processes;    /* one for each of the sockets, in their order */
	struct milter_sockets *sockets; /* kept open: they may have to be left to the next start */
	int notices;                    /* what the processes say of their configuration */
	bool enforcing;                 /* the mode at the start */
};

/*
 * Returns when all have ended: 0 if that was wanted, -EIO if one of them has ended by itself,
 * -errno if this process cannot do its work. The sockets are closed then, and their names removed
 * unless they were left.
 */
int supervise(const struct supervision *supervision);

#endif
