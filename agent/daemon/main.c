/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synanvild: options, configuration, start, loop, end. Exit status 1 on failure, 2 on wrong usage,
 * 75 when the next agent is to be started.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "configuration.h"
#include "daemon.h"
#include "heap.h"
#include "log.h"

#define EXIT_USAGE 2

/* EX_TEMPFAIL of sysexits.h; RestartForceExitStatus= in synanvild.service. */
#define EXIT_AGAIN 75

struct options {
	const char *file;
	bool verbose;
};

static const char usage_text[] = "usage: synanvild [-c FILE] [-v]\n";

static int usage(void)
{
	(void)fputs(usage_text, stderr);
	return EXIT_USAGE;
}

/* Prints what was asked for; the exit status. */
static int answer(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Whether there is an agent to run; if not, *ret_status is the exit status. */
static bool options_parse(int argc, char **argv, struct options *ret_options, int *ret_status)
{
	static const struct option names[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct options options = { .file = CONFIG_DEFAULT_FILE };
	int option;

	while ((option = getopt_long(argc, argv, "c:hv", names, NULL)) != -1) {
		switch (option) {
		case 'c':
			options.file = optarg;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'h':
			*ret_status = answer(usage_text);
			return false;
		case 'V':
			*ret_status = answer("synanvild " SYNANVIL_VERSION "\n");
			return false;
		default:
			*ret_status = usage();
			return false;
		}
	}
	if (optind != argc)
		*ret_status = usage();
	*ret_options = options;
	return optind == argc;
}

/* The working directory is another one once the agent runs, and reloads read the file again. */
static struct config *load(const char *name)
{
	_cleanup_free_ char *absolute = *name == '/' ? NULL : realpath(name, NULL);
	const char *file = absolute ? absolute : name;
	struct report report = {};
	struct config *config = NULL;
	int error = config_load(file, &config, &report);

	report_log(&report);
	if (error && !report.errors)
		log_error("%s: %s", file, strerror(-error));
	report_done(&report);
	return error ? NULL : config;
}

int main(int argc, char **argv)
{
	struct options options;
	struct daemon daemon;
	struct config *config;
	int status;

	if (!options_parse(argc, argv, &options, &status))
		return status;
	heap_init();
	daemon_hold_signals(true);
	log_set_level(options.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	config = load(options.file);
	if (!config)
		return EXIT_FAILURE;
	status = daemon_start(&daemon, config, options.verbose) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (status == EXIT_SUCCESS && daemon_run(&daemon)) {
		log_error("the event loop failed");
		status = EXIT_FAILURE;
	} else if (status == EXIT_SUCCESS && daemon.leave == DAEMON_AGAIN) {
		status = EXIT_AGAIN;
	}
	daemon_done(&daemon);
	return status;
}
