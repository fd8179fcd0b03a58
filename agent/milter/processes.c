/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forking, signalling, collecting.
 */
#include "processes.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_reports.h"

void processes_signals(sigset_t *ret_set)
{
	(void)sigemptyset(ret_set);
	(void)sigaddset(ret_set, SIGHUP);
	(void)sigaddset(ret_set, SIGTERM);
	(void)sigaddset(ret_set, SIGINT);
	(void)sigaddset(ret_set, SIGCHLD);
	(void)sigaddset(ret_set, MILTER_LEAVE_SIGNAL);
}

void processes_delay_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, MILTER_LEAVE_SIGNAL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

void processes_hold_signals(void)
{
	sigset_t set;

	/* Who starts us may ignore it, and then the kernel would say of no process that it has
	 * ended. */
	(void)signal(SIGCHLD, SIG_DFL);
	processes_signals(&set);
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

void processes_signal(const struct processes *processes, int number)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->ids[i] > 0)
			(void)kill(processes->ids[i], number);
	}
}

bool processes_collect(struct processes *processes)
{
	bool any = false;
	int status;

	for (size_t i = 0; i < processes->count; i++) {
		if (processes->ids[i] == 0 || waitpid(processes->ids[i], &status, WNOHANG) == 0)
			continue;
		processes->ids[i] = 0;
		any = true;
	}
	return any;
}

size_t processes_left(const struct processes *processes)
{
	size_t left = 0;

	for (size_t i = 0; i < processes->count; i++)
		left += processes->ids[i] > 0;
	return left;
}
