/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shell around libmilter: turns what the mail server says into calls of the pure core, and its
 * verdict into answers.
 *
 * libmilter has threads of its own and calls back in any of them; what is not of one connection
 * goes through struct milter. It takes SIGTERM, SIGINT and SIGHUP for itself: each of them ends it.
 */
#ifndef MILTER_MAIL_FILTER_H
#define MILTER_MAIL_FILTER_H

#include "milter.h"

/* Serves until a signal or mail_filter_stop ends it. 0 or -EIO. Once a process. */
int mail_filter_run(struct milter *milter);

/* From another thread: ends it at once, where libmilter alone would only look every few seconds. */
void mail_filter_stop(const struct milter *milter);

#endif
