/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many lines of a kind the log gets: so many a second, then a count of those left out. Pure but
 * for its lock; the time is passed in.
 */
#ifndef MILTER_LOG_SHARE_H
#define MILTER_LOG_SHARE_H

#include <pthread.h>
#include <stdbool.h>

#include "mono.h"

#define LOG_SHARE_LINES 10

struct log_share {
	pthread_mutex_t lock;
	struct mono_ms second; /* when the present second began */
	unsigned lines;        /* in it */
	unsigned long omitted; /* since the last line */
};

#define LOG_SHARE_INIT                            \
	{                                         \
		.lock = PTHREAD_MUTEX_INITIALIZER \
	}

/* Whether one more line may be written now; *ret_omitted is how many were not, before it. */
bool log_share_take(struct log_share *share, struct mono_ms now, unsigned long *ret_omitted);

#endif
