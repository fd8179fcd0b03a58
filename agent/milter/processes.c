/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where one process ends all have to: a listener without its process would let the mail server
 * wait.
 */
#include "processes.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_reports.h"
#include "log.h"

/* For what is under way, and for the last report; nobody waits longer than that. */
#define GRACE_S 8

static void signals_of(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGHUP);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGCHLD);
}

void processes_hold_signals(void)
{
	sigset_t set;

	signals_of(&set);
	(void)sigaddset(&set, MILTER_RELOAD_SIGNAL);
	(void)sigaddset(&set, MILTER_STOP_SIGNAL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

int processes_add(struct processes *processes)
{
	const pid_t parent = getpid();
	const pid_t id = fork();

	if (id < 0)
		return -errno;
	if (id > 0) {
		processes->ids[processes->count++] = id;
		return 0;
	}
	/* A parent that is killed takes its children with it, also one that already was. */
	if (prctl(PR_SET_PDEATHSIG, MILTER_STOP_SIGNAL, 0, 0, 0) || getppid() != parent)
		return -ESRCH;
	return 1;
}

static void signal_all(const struct processes *processes, int number)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->ids[i] > 0)
			(void)kill(processes->ids[i], number);
	}
}

/* Notes who has ended; the number of those that are left. */
static size_t collect(struct processes *processes, bool *ret_any)
{
	size_t left = 0;
	int status;

	*ret_any = false;
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->ids[i] == 0)
			continue;
		if (waitpid(processes->ids[i], &status, WNOHANG) == 0) {
			left++;
			continue;
		}
		processes->ids[i] = 0;
		*ret_any = true;
	}
	return left;
}

int processes_supervise(struct processes *processes)
{
	static const struct timespec grace = { .tv_sec = GRACE_S };
	bool stopping = false, ended = false;
	size_t left = processes->count;
	int result = 0;
	sigset_t set;

	signals_of(&set);
	while (left > 0) {
		const int number = sigtimedwait(&set, NULL, stopping ? &grace : NULL);

		if (number < 0 && errno == EAGAIN)
			signal_all(processes, SIGKILL);
		else if (number == SIGHUP)
			signal_all(processes, MILTER_RELOAD_SIGNAL);
		else if (number == SIGCHLD)
			left = collect(processes, &ended);
		if (ended && !stopping) {
			log_error("one of the milter's processes has ended; so do the others");
			result = -EIO;
		}
		if (number == SIGTERM || number == SIGINT || (ended && !stopping)) {
			stopping = true;
			signal_all(processes, MILTER_STOP_SIGNAL);
		}
	}
	return result;
}
