/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where one process ends all have to: a listener without its process would let the mail server
 * wait.
 *
 * The watchdog is fed when every listener has answered a probe, so each process must do what it is
 * there for; that one of them runs proves nothing. READY=1 waits for the same.
 */
#include "supervision.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent_reports.h"
#include "cleanup.h"
#include "log.h"
#include "mono.h"
#include "notice.h"
#include "probe.h"
#include "service_manager.h"

/* For the last report; nobody waits longer than that. libmilter itself comes back within a second
 * or so, whoever is in the middle of a message. */
#define GRACE_MS 8000

/* Rounds of probes before all have answered for the first time. Later, so many in the time that the
 * watchdog gives, or none if there is none. */
#define FIRST_ROUND_MS 1000
#define ROUNDS         3

#define FOREVER        UINT64_MAX

struct watch {
	const struct supervision *of;
	struct probe probes[MILTER_SOCKETS_MAX];
	uint32_t answered;  /* in this round; a bit a process, as below */
	uint32_t reloading; /* has not said yet what became of it */
	uint32_t refused;   /* goes on with the configuration before */
	bool enforcing, ready, stopping, ended, killed;
	uint64_t next_ms; /* of mono_now(): the next round; when stopping, the end of patience */
};

static uint32_t all(const struct watch *watch)
{
	return (uint32_t)((UINT64_C(1) << watch->of->processes->count) - 1);
}

/* --- what the service manager hears --- */

static void tell_ready(const struct watch *watch)
{
	char status[160];

	(void)snprintf(status, sizeof(status), "%s%zu listener%s, %s",
		       watch->refused ? "Reload failed, as before: " : "",
		       watch->of->processes->count, watch->of->processes->count == 1 ? "" : "s",
		       watch->enforcing ? "enforcing" : "monitoring: nothing is changed");
	service_manager_ready(status);
}

static void round_plan(struct watch *watch)
{
	const uint64_t limit_ms = service_manager_watchdog_us() / 1000;

	uint64_t interval_ms = limit_ms > 0 ? limit_ms / ROUNDS + 1 : FOREVER;

	if (!watch->ready && interval_ms > FIRST_ROUND_MS)
		interval_ms = FIRST_ROUND_MS;
	watch->next_ms = interval_ms == FOREVER ? FOREVER : mono_now().ms + interval_ms;
}

static void became_ready(struct watch *watch)
{
	watch->ready = true;
	log_info("synanvil-milter " SYNANVIL_VERSION " is running, %s",
		 watch->enforcing ? "enforcing" : "monitoring: nothing is changed");
	round_plan(watch);
	/* Who reloads by then is ready once that is done. */
	if (!watch->reloading)
		tell_ready(watch);
}

static void reload_begins(struct watch *watch, uint32_t who)
{
	if (!watch->reloading && watch->ready)
		service_manager_reloading();
	watch->reloading |= who;
}

/*
 * A reload that comes while another one is under way may be reported as done with the first; that
 * of the second follows.
 */
static void noticed(struct watch *watch, const struct notice *notice)
{
	const uint32_t who = UINT32_C(1) << notice->process;

	if (watch->stopping)
		return;
	if (notice->kind == NOTICE_RELOADING) {
		reload_begins(watch, who);
		return;
	}
	watch->refused &= ~who;
	if (notice->kind == NOTICE_REFUSED)
		watch->refused |= who;
	else
		watch->enforcing = notice->kind == NOTICE_ENFORCING;
	watch->reloading &= ~who;
	if (!watch->reloading && watch->ready)
		tell_ready(watch);
}

/* --- probes --- */

static const char *listener_text(const struct watch *watch, size_t process)
{
	return watch->of->sockets->listeners[process].text;
}

static void probed(struct watch *watch, size_t process, enum probe_outcome outcome)
{
	if (outcome == PROBE_FAILED)
		log_warning("milter_listen: %s does not answer as it should",
			    listener_text(watch, process));
	if (outcome != PROBE_ANSWERED)
		return;
	watch->answered |= UINT32_C(1) << process;
	if (watch->answered != all(watch))
		return;
	if (!watch->ready)
		became_ready(watch);
	service_manager_feed();
}

/* A process that has not answered the last one is not asked again: it finds that when it can. */
static void round_begin(struct watch *watch)
{
	watch->answered = 0;
	for (size_t i = 0; i < watch->of->processes->count; i++) {
		const struct milter_socket *socket = &watch->of->sockets->sockets[i];

		/* What we have open of the name would answer, but nobody else gets there. */
		if (!milter_sockets_named(watch->of->sockets, i)) {
			log_warning("milter_listen: the name of %s is gone, or another's",
				    listener_text(watch, i));
			continue;
		}
		if (watch->probes[i].state != PROBE_IDLE)
			log_warning("milter_listen: %s does not answer", listener_text(watch, i));
		probed(watch, i,
		       probe_begin(&watch->probes[i], (const struct sockaddr *)&socket->address,
				   socket->address_size));
	}
}

/* --- signals --- */

static void stop(struct watch *watch, bool leave)
{
	struct milter_sockets *sockets = watch->of->sockets;
	int fds[MILTER_SOCKETS_MAX];

	if (watch->stopping)
		return;
	watch->stopping = true;
	watch->next_ms = mono_now().ms + GRACE_MS;
	service_manager_stopping();
	for (size_t i = 0; i < sockets->count; i++) {
		probe_end(&watch->probes[i]);
		fds[i] = sockets->sockets[i].fd;
	}
	if (!leave || !service_manager_keep(fds, (unsigned)sockets->count))
		milter_sockets_remove(sockets);
	milter_sockets_close(sockets, MILTER_SOCKETS_MAX);
	processes_signal(watch->of->processes, MILTER_STOP_SIGNAL);
}

static void collect(struct watch *watch)
{
	if (!processes_collect(watch->of->processes) || watch->stopping)
		return;
	log_error("one of the milter's processes has ended; so do the others");
	watch->ended = true;
	stop(watch, false);
}

static void signalled(struct watch *watch, uint32_t number)
{
	switch (number) {
	case SIGHUP:
		if (!watch->stopping) {
			reload_begins(watch, all(watch));
			processes_signal(watch->of->processes, MILTER_RELOAD_SIGNAL);
		}
		break;
	case SIGCHLD:
		collect(watch);
		break;
	default:
		stop(watch, number == MILTER_LEAVE_SIGNAL);
	}
}

/* --- loop --- */

static void time_came(struct watch *watch)
{
	if (watch->stopping) {
		processes_signal(watch->of->processes, SIGKILL);
		watch->next_ms = FOREVER;
		return;
	}
	round_begin(watch);
	round_plan(watch);
}

static int patience_ms(const struct watch *watch)
{
	const uint64_t now = mono_now().ms;

	if (watch->next_ms == FOREVER)
		return -1;
	if (watch->next_ms <= now)
		return 0;
	return watch->next_ms - now < INT_MAX ? (int)(watch->next_ms - now) : INT_MAX;
}

static void turn(struct watch *watch, int signals)
{
	struct pollfd fds[2 + MILTER_SOCKETS_MAX] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = watch->of->notices, .events = POLLIN },
	};
	const size_t count = watch->of->processes->count;
	struct signalfd_siginfo signal;
	struct notice notice;

	for (size_t i = 0; i < count; i++)
		fds[2 + i] = (struct pollfd){ .fd = watch->probes[i].fd,
					      .events = probe_events(&watch->probes[i]) };
	if (poll(fds, 2 + count, patience_ms(watch)) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (fds[2 + i].revents)
			probed(watch, i, probe_step(&watch->probes[i]));
	}
	while (notice_receive(watch->of->notices, &notice))
		noticed(watch, &notice);
	while (read(signals, &signal, sizeof(signal)) == (ssize_t)sizeof(signal))
		signalled(watch, signal.ssi_signo);
	if (mono_now().ms >= watch->next_ms)
		time_came(watch);
}

int supervise(const struct supervision *supervision)
{
	struct watch watch = { .of = supervision, .enforcing = supervision->enforcing };
	_cleanup_close_ int signals = -1;
	sigset_t set;
	int error;

	processes_signals(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		error = -errno;
		milter_sockets_remove(supervision->sockets);
		return error;
	}
	for (size_t i = 0; i < MILTER_SOCKETS_MAX; i++)
		watch.probes[i] = (struct probe){ .fd = -1 };
	while (processes_left(supervision->processes) > 0)
		turn(&watch, signals);
	/* Nobody was there to be waited for. */
	if (!watch.stopping)
		milter_sockets_remove(supervision->sockets);
	return watch.ended ? -EIO : 0;
}
