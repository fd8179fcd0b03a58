/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synanvil-milter: options, configuration, sockets, unprivileged, a process a listener. Exit status
 * 1 on failure, 2 on wrong usage; EX_CONFIG to a service manager whose configuration is wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "agent_reports.h"
#include "cleanup.h"
#include "log.h"
#include "mail_filter.h"
#include "processes.h"
#include "service_manager.h"
#include "supervision.h"
#include "unprivileged.h"

#define EXIT_USAGE 2

/* Of libmilter's threads: each serves one connection at a time, and its callbacks need little. */
#define STACK_BYTES (256UL * 1024)

static int usage(void)
{
	(void)fputs("usage: synanvil-milter [-c FILE]\n", stderr);
	return EXIT_USAGE;
}

/* 0, or the exit status. */
static int options_parse(int argc, char **argv, const char **ret_file)
{
	int option;

	*ret_file = CONFIG_DEFAULT_FILE;
	while ((option = getopt(argc, argv, "c:")) != -1) {
		if (option != 'c')
			return usage();
		*ret_file = optarg;
	}
	return optind == argc ? 0 : usage();
}

/* With a standard stream closed, a mail server's connection would take its place, and get what is
 * logged. */
static int fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	return fd < 0 ? -errno : close(fd);
}

/* The exit status. */
static int load(const char *name, struct config **ret_config)
{
	_cleanup_free_ char *absolute = *name == '/' ? NULL : realpath(name, NULL);
	const char *file = absolute ? absolute : name;
	struct report report = { 0 };
	struct config *config = NULL;
	int error = config_load(file, &config, &report), status = EXIT_FAILURE;

	if (!error)
		error = config_milter_usable(config, &report);
	report_log(&report);
	if (!error)
		status = EXIT_SUCCESS;
	else if (report.errors)
		status = service_manager_configuration_status();
	else
		log_error("%s: %s", file, strerror(-error));
	report_done(&report);
	if (error)
		config = config_free(config);
	*ret_config = config;
	return status;
}

static int listen_all(const struct config *config, struct milter_sockets *ret_sockets, int *kept,
		      size_t kept_count)
{
	const char *listener = NULL;
	const int error = milter_sockets_open(config, kept, kept_count, ret_sockets, &listener);

	if (error == -E2BIG)
		log_error("milter_listen: more than %d listeners", MILTER_SOCKETS_MAX);
	else if (error)
		log_error("milter_listen: cannot listen on %s: %s", listener ? listener : "all",
			  strerror(-error));
	return error;
}

static int unprivileged(void)
{
	const int error = unprivileged_become();

	if (error == -ESRCH)
		log_error("there is no user synanvil-milter to become");
	else if (error)
		log_error("cannot drop privileges: %s", strerror(-error));
	return error;
}

/* The secrets of this process. */
static int milter_init(struct milter *milter, struct config *config, struct wall_ms loaded)
{
	uint8_t random[MILTER_INSTANCE_DIGITS / 2];

	*milter = (struct milter){ .log = LOG_SHARE_INIT };
	if (getrandom(&milter->key, sizeof(milter->key), 0) != (ssize_t)sizeof(milter->key) ||
	    getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		config_free(config);
		return -EIO;
	}
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(milter->counts.instance + 2 * i, 3, "%02x", random[i]);
	return header_rules_init(&milter->rules, config, loaded);
}

static void *filter(void *context)
{
	return mail_filter_run(context) ? context : NULL;
}

/*
 * libmilter in a thread of its own, which takes SIGHUP for an end. Those who reload by name signal
 * every process, and SIGHUP is the parent's: what the first thread neither blocks nor handles never
 * gets to the others.
 */
static int filter_run(struct milter *milter)
{
	pthread_t thread;
	sigset_t hangup;
	void *failed;
	int error = -pthread_create(&thread, NULL, filter, milter);

	if (error)
		return error;
	(void)signal(SIGHUP, SIG_IGN);
	(void)sigemptyset(&hangup);
	(void)sigaddset(&hangup, SIGHUP);
	(void)pthread_sigmask(SIG_UNBLOCK, &hangup, NULL);
	(void)pthread_join(thread, &failed);
	if (failed)
		log_error("libmilter has given up; its lines in syslog say why");
	return failed ? -EIO : 0;
}

/* The process of a listener. Takes config. */
static int serve(const struct milter_sockets *sockets, const struct parent *parent,
		 struct config *config, struct wall_ms loaded)
{
	struct agent_reports reports;
	pthread_attr_t attributes;
	struct milter milter;
	int error = milter_init(&milter, config, loaded);

	if (error)
		return error;
	if (pthread_attr_init(&attributes) == 0) {
		(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
		(void)pthread_setattr_default_np(&attributes);
		(void)pthread_attr_destroy(&attributes);
	}
	milter.socket = &sockets->sockets[parent->number];
	milter.over_tcp = !sockets->listeners[parent->number].is_unix;
	milter.parent = *parent;
	error = agent_reports_start(&reports, &milter);
	if (!error) {
		error = filter_run(&milter);
		agent_reports_stop(&reports);
	}
	return error;
}

/*
 * A packet that comes does not interrupt the mail server, which may well send more at once: fewer
 * switches for each message. An administrator's own choice of a policy stays. Not vital.
 */
static void let_others_finish(void)
{
	static const struct sched_param priority = { 0 };

	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &priority);
}

/* Takes config. Both the parent and the children come back from here. */
static int run(struct milter_sockets *sockets, struct config *config, struct wall_ms loaded)
{
	struct processes processes = { 0 };
	struct supervision supervision = { &processes, sockets, -1, config->enforce };
	int child = 0, error, notices[2];

	if (pipe2(notices, O_CLOEXEC | O_NONBLOCK) < 0) {
		config_free(config);
		return -errno;
	}
	processes_hold_signals();
	for (size_t i = 0; i < sockets->count && child == 0; i++) {
		child = processes_add(&processes);
		if (child == 1) {
			const struct parent parent = { notices[1], (unsigned)i };

			(void)close(notices[0]);
			milter_sockets_close(sockets, i);
			return serve(sockets, &parent, config, loaded);
		}
	}
	(void)close(notices[1]);
	config_free(config);
	if (child < 0) {
		log_error("cannot start a process: %s", strerror(-child));
		(void)kill(getpid(), SIGTERM);
	}
	supervision.notices = notices[0];
	error = supervise(&supervision);
	(void)close(notices[0]);
	return child < 0 ? child : error;
}

int main(int argc, char **argv)
{
	int kept[MILTER_SOCKETS_MAX];
	struct milter_sockets sockets;
	struct wall_ms loaded;
	struct config *config;
	size_t kept_count;
	const char *file;
	int status = options_parse(argc, argv, &file);

	if (status)
		return status;
	if (fill_standard_streams())
		return EXIT_FAILURE;
	log_set_level(LOG_LEVEL_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	processes_delay_signals();
	let_others_finish();
	/* From here on they are this process' alone: should it fail, nobody waits there for a next
	 * one. */
	kept_count = service_manager_kept(kept, MILTER_SOCKETS_MAX);
	service_manager_forget();
	loaded = wall_now();
	status = load(file, &config);
	if (status)
		return status;
	if (listen_all(config, &sockets, kept, kept_count)) {
		config_free(config);
		status = EXIT_FAILURE;
	} else if (unprivileged()) {
		config_free(config);
		milter_sockets_remove(&sockets);
		status = EXIT_FAILURE;
	} else {
		status = run(&sockets, config, loaded) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	milter_sockets_done(&sockets);
	return status;
}
