/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that talks to the agent: brings it the counts, and learns from it of reloads and of
 * exceptions added at run time. Without an agent the milter goes on with what it has.
 */
#ifndef MILTER_AGENT_REPORTS_H
#define MILTER_AGENT_REPORTS_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "milter.h"

/* Tells a process of the milter to read its configuration anew. Blocked in all of its threads. */
#define MILTER_RELOAD_SIGNAL SIGUSR1

/* How often the agent is asked. */
#define MILTER_REPORT_SECONDS 3

struct agent_reports {
	struct milter *milter;
	pthread_t thread;
	struct message_counts_copy delivered;
	char exceptions_version[32];
	int64_t reload_known_ms; /* the agent's last reload that it told of; 0: none */
	bool silent;             /* the agent did not answer, which was logged */
	struct timespec looked;  /* when the file was last changed that was looked into */
	char *moved; /* the control socket that it names if that is another than ours; owned */
};

/* Ends such a process. */
#define MILTER_STOP_SIGNAL SIGUSR2

/* Both signals must be blocked. 0 or -errno. */
int agent_reports_start(struct agent_reports *reports, struct milter *milter);

/* Ends the thread, and brings the last counts. */
void agent_reports_stop(struct agent_reports *reports);

#endif
