/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of the decision benchmark: who is asked, about which frames, and how long it takes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "decision.h"

const struct profile profiles[PROFILES] = {
	{ "one source", "one", 1, 100000 },
	{ "10,000", "10000", 10000, 4000000 },
	{ "1,000,000", "1000000", 1000000, 9000000 },
	{ "random", "random", 0, 2000000 },
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

void program_select(const struct bench *bench, int program)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(bench->generator->maps.under_test), &zero, &program,
				BPF_ANY))
		die("tail call");
}

void profile_select(const struct bench *bench, const struct profile *profile)
{
	bench->generator->bss->sources_random = profile->sources == 0;
	bench->generator->data->source_count = profile->sources ? profile->sources : 1;
}

void limits_select(const struct bench *bench, const struct limits *limits)
{
	struct sa_settings settings = bench->settings;
	uint32_t active = 0, zero = 0;

	settings.services[0].rate_limit = limits->rate;
	settings.services[0].connection_limit = limits->connections;
	settings.services[0].process_limit = limits->connections;
	if (bpf_map_lookup_elem(bench->tables.active, &zero, &active) ||
	    bpf_map_update_elem(bench->tables.settings, &active, &settings, BPF_ANY))
		die("settings");
}

int generator_of(const struct bench *bench, bool ipv6, struct frame *ret_frame)
{
	if (ipv6)
		frame_ipv6(ret_frame);
	else
		frame_ipv4(ret_frame);
	return bpf_program__fd(ipv6 ? bench->generator->progs.generate_ipv6
				    : bench->generator->progs.generate_ipv4);
}

/* CPU time of the thread: what other work takes of the machine is not the decision's. */
static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double run(int generator, const struct frame *frame, uint32_t repeat, uint32_t *ret_verdict)
{
	struct frame copy = *frame;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = copy.bytes, .data_size_in = copy.size,
		    .repeat = (int)repeat);
	double start = now_ns();

	if (bpf_prog_test_run_opts(generator, &options))
		return -1;
	*ret_verdict = options.retval;
	return (now_ns() - start) / repeat;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(double *values, size_t count, double part)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[(size_t)((double)(count - 1) * part)];
}
