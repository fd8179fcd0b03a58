/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Driving the storm program; see storms.h.
 */
#include "storms.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "cleanup.h"
#include "storm.skel.h"

#define START_IN_NS 300000 /* enough to write all plans and to get out of the way */
#define POLL_NS     50000

struct storm {
	struct storm_bpf *skeleton;
	volatile struct storm_work *work;
	struct frame *frame;
	int cpu;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool stopped;
	atomic_int error;
};

struct storms {
	unsigned count;
	uint32_t number;
	struct storm storms[STORMS_MAX];
};

static void pause_briefly(void)
{
	const struct timespec time = { .tv_nsec = POLL_NS };

	(void)nanosleep(&time, NULL);
}

/* The signal that ends a run; its handler does nothing. */
static void interrupt(int signal)
{
	(void)signal;
}

static int storm_pin(const struct storm *storm)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(storm->cpu, &cpus);
	return -pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
}

static void *storm_main(void *argument)
{
	struct storm *storm = argument;
	int program = bpf_program__fd(storm->skeleton->progs.storm);
	int error = storm_pin(storm);

	while (!error && !atomic_load(&storm->stop)) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = storm->frame->bytes,
			    .data_size_in = (uint32_t)storm->frame->size, .repeat = INT32_MAX);

		error = bpf_prog_test_run_opts(program, &options);
		if (error == -EINTR)
			error = 0;
	}
	atomic_store(&storm->error, error);
	atomic_store(&storm->stopped, true);
	return NULL;
}

static void storm_start(const struct lab *lab, struct storm *storm, unsigned i, int cpu)
{
	const struct packet_spec spec = { SYN_IPV4 };
	uint32_t zero = 0;

	*storm = (struct storm){ .cpu = cpu };
	storm->skeleton = storm_bpf__open_and_load();
	assert_non_null(storm->skeleton);
	storm->work = &storm->skeleton->bss->work;
	storm->work->sequence = i << 26;
	storm->frame = malloc(sizeof(*storm->frame));
	assert_non_null(storm->frame);
	frame_build(&spec, storm->frame);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(storm->skeleton->maps.under_test), &zero,
					     &lab->program, BPF_ANY),
			 0);
	assert_int_equal(pthread_create(&storm->thread, NULL, storm_main, storm), 0);
}

struct storms *storms_new(const struct lab *lab)
{
	struct storms *storms = calloc(1, sizeof(*storms));
	const struct sigaction action = { .sa_handler = interrupt };
	cpu_set_t cpus;

	assert_non_null(storms);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && storms->count < STORMS_MAX; cpu++)
		if (CPU_ISSET(cpu, &cpus)) {
			storm_start(lab, &storms->storms[storms->count], storms->count, cpu);
			storms->count++;
		}
	storms_go(storms);
	storms_wait(storms);
	return storms;
}

/* A signal that comes just before the run begins ends nothing: again until the thread says so. */
static void storm_stop(struct storm *storm)
{
	atomic_store(&storm->stop, true);
	while (!atomic_load(&storm->stopped)) {
		(void)pthread_kill(storm->thread, SIGUSR1);
		pause_briefly();
	}
	(void)pthread_join(storm->thread, NULL);
	storm_bpf__destroy(storm->skeleton);
	free(storm->frame);
}

void storms_free(struct storms *storms)
{
	for (unsigned i = 0; i < storms->count; i++)
		storm_stop(&storms->storms[i]);
	free(storms);
}

unsigned storms_count(const struct storms *storms)
{
	return storms->count;
}

void storms_plan(struct storms *storms, unsigned i, const struct storm_plan *plan, uint32_t packets)
{
	volatile struct storm_work *work = storms->storms[i].work;
	struct timespec now;

	assert_true(i < storms->count);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	work->plan = *plan;
	work->base = work->made;
	work->start_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + START_IN_NS;
	__sync_synchronize();
	work->target = work->base + packets;
}

/* A storm that says it has finished this number read the number before it found nothing to do. */
void storms_go(struct storms *storms)
{
	__sync_synchronize();
	storms->number++;
	for (unsigned i = 0; i < storms->count; i++)
		storms->storms[i].work->number = storms->number;
}

uint64_t storms_made(const struct storms *storms)
{
	uint64_t made = 0;

	for (unsigned i = 0; i < storms->count; i++)
		made += storms->storms[i].work->made - storms->storms[i].work->base;
	return made;
}

void storms_cease(struct storms *storms)
{
	for (unsigned i = 0; i < storms->count; i++)
		storms->storms[i].work->target = storms->storms[i].work->made;
	storms_go(storms);
}

void storms_wait(struct storms *storms)
{
	for (unsigned i = 0; i < storms->count; i++)
		while (storms->storms[i].work->finished != storms->number) {
			assert_int_equal(atomic_load(&storms->storms[i].error), 0);
			pause_briefly();
		}
}

void storms_burst(struct storms *storms, const struct storm_plan *plan, uint32_t packets)
{
	for (unsigned i = 0; i < storms->count; i++)
		storms_plan(storms, i, plan, packets);
	storms_go(storms);
	storms_wait(storms);
}
