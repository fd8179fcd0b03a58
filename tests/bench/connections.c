/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What counting live connections costs the one who serves them: the same connections from a client
 * in another network namespace, in turns with and without the counting program, and the difference
 * of each turn to the one beside it. Time is this process' CPU time: it is both ends, and the pair
 * of devices between them does all of the kernel's work in it.
 *
 * The programs can be attached in two ways (bpf/connections.bpf.c); here are both.
 *
 * The client's end is here too: the kernel calls the programs for it as well, and they see that it
 * is of another namespace. A mail host has no such end. What those calls cost is measured by
 * programs that see that of both ends, and half of it taken off.
 *
 * connections CLIENTS_NAMESPACE MAIL_NAMESPACE MAIL_ADDRESS [ROUNDS [CONNECTIONS A ROUND]]
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "connections.skel.h"
#include "root_cgroup.h"
#include "synanvil.skel.h"
#include "synanvil/abi.h"
#include "tick.h"

#define ROUNDS_MAX 1000

/* Who looks first at a change of a socket's state; a tracing program always looks second. */
enum first {
	FIRST_TOLD,   /* a program of the root cgroup, which the socket calls */
	FIRST_TRACED, /* another tracing program */
	FIRSTS,
};

static const char *const first_names[FIRSTS] = {
	[FIRST_TOLD] = "told by the socket, and traced",
	[FIRST_TRACED] = "traced twice",
};

struct bench {
	struct synanvil_bpf *packet_path;
	struct connections_bpf *counting;
	struct connections_bpf *idle; /* for another namespace: never counts */
	struct tick tick;
	struct sockaddr_in address; /* of the mail host */
	int listener;
	int cgroup; /* the root; -1 */
};

static void die(const char *what)
{
	fprintf(stderr, "connections: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void namespace_enter(const char *name)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	(void)close(fd);
}

/* Limits that nobody reaches, as on a host where they are set. */
static void settings_write(const struct bench *bench)
{
	static struct sa_settings settings;
	const uint64_t seed = 0x123456789abcdefULL;
	static struct sa_live_totals totals;
	uint32_t zero = 0;

	settings = (struct sa_settings){
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.mask_ipv6 = { ~0ULL, ~0ULL },
		.rate_unit_ms = 60000,
		.enforcement = SA_ENFORCE,
		.epoch = 1,
		.service_count = 1,
		.services[0] = { .any_address = 1,
				 .port_be = htons(25),
				 .id = 1,
				 .connection_limit = 50,
				 .process_limit = 100 },
	};
	totals.seed = seed;
	totals.epoch_kept = 1;
	if (bpf_map_update_elem(bpf_map__fd(bench->packet_path->maps.settings), &zero, &settings,
				BPF_ANY) ||
	    bpf_map_update_elem(bpf_map__fd(bench->packet_path->maps.live_totals), &zero, &totals,
				BPF_ANY))
		die("settings");
}

/* An entry with places to give back, as the packet path leaves it. */
static void source_write(const struct bench *bench)
{
	const struct sa_source_key key = {
		.address = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1 },
		.service = 1
	};
	const struct sa_source source = { .pending = 0 };

	if (bpf_map_update_elem(bpf_map__fd(bench->packet_path->maps.sources), &key, &source,
				BPF_ANY))
		die("sources");
}

static struct connections_bpf *program_load(const struct bench *bench, uint64_t net_cookie)
{
	struct connections_bpf *program = connections_bpf__open();
	struct bpf_map *map;

	if (!program)
		die("open");
	program->rodata->net_cookie = net_cookie;
	program->rodata->tick_scale = bench->tick.scale;
	program->rodata->tick_offset_ms = bench->tick.offset_ms;
	bpf_object__for_each_map(map, program->obj)
	{
		if (!bpf_map__is_internal(map) &&
		    bpf_map__reuse_fd(map, bpf_object__find_map_fd_by_name(bench->packet_path->obj,
									   bpf_map__name(map))))
			die("maps");
	}
	if (connections_bpf__load(program))
		die("load");
	return program;
}

static void programs_load(struct bench *bench)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (getsockopt(any, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		die("SO_NETNS_COOKIE");
	(void)close(any);
	if (tick_measure(&bench->tick))
		die("tick");
	bench->packet_path = synanvil_bpf__open_and_load();
	if (!bench->packet_path)
		die("load");
	bench->counting = program_load(bench, cookie);
	bench->idle = program_load(bench, 0);
	settings_write(bench);
	source_write(bench);
}

static void listen_on_25(struct bench *bench)
{
	bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(bench->listener, (const struct sockaddr *)&bench->address,
		 sizeof(bench->address)) ||
	    listen(bench->listener, 16))
		die("listen");
}

/* Reset at the end: nothing stays behind, for any number of rounds. */
static void open_and_close(const struct bench *bench)
{
	const struct linger now = { .l_onoff = 1 };
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server;

	if (connect(client, (const struct sockaddr *)&bench->address, sizeof(bench->address)))
		die("connect");
	server = accept4(bench->listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0 || setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		die("accept");
	(void)close(client);
	(void)close(server);
}

static double cpu_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now))
		die("clock_gettime");
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct bpf_link *first_attach(const struct bench *bench, enum first first,
				     const struct connections_bpf *program)
{
	if (first == FIRST_TRACED)
		return bpf_program__attach(program->progs.synanvil_connections);
	return bpf_program__attach_cgroup(program->progs.synanvil_connections_told, bench->cgroup);
}

/* ns of CPU for each connection. program: attached meanwhile; NULL: none. */
static double turn(const struct bench *bench, enum first first,
		   const struct connections_bpf *program, unsigned connections)
{
	struct bpf_link *link = NULL, *again = NULL;
	double begun;

	if (program) {
		link = first_attach(bench, first, program);
		again = bpf_program__attach(program->progs.synanvil_connections_again);
		if (!link || !again)
			die("attach");
	}
	for (unsigned i = 0; i < connections / 10; i++)
		open_and_close(bench);
	begun = cpu_ns();
	for (unsigned i = 0; i < connections; i++)
		open_and_close(bench);
	begun = (cpu_ns() - begun) / connections;
	(void)bpf_link__destroy(again);
	(void)bpf_link__destroy(link);
	return begun;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(double *values, unsigned count, double part)
{
	qsort(values, count, sizeof(*values), compare);
	return values[(unsigned)((count - 1) * part)];
}

static void report(const char *what, double *values, unsigned rounds)
{
	double middle = quantile(values, rounds, 0.5);

	printf("%-46s %7.0f ns (quartiles %.0f and %.0f)\n", what, middle,
	       quantile(values, rounds, 0.25), quantile(values, rounds, 0.75));
}

/* One way of attaching, in rounds with and without. */
struct results {
	double with[ROUNDS_MAX];
	double both[ROUNDS_MAX];  /* more than without */
	double calls[ROUNDS_MAX]; /* of one end */
	double host[ROUNDS_MAX];
};

/* Without, then each way with counting and idle; in turns which one is first: none has the warmer
 * caches. */
static void round_measure(const struct bench *bench, unsigned round, unsigned connections,
			  double *without, struct results *results)
{
	const unsigned turns = 1 + FIRSTS * 2;
	double ns[1 + FIRSTS * 2] = { 0 };

	for (unsigned k = 0; k < turns; k++) {
		const unsigned at = (round + k) % turns;
		const enum first first = at ? (at - 1) / 2 : FIRST_TRACED;
		const struct connections_bpf *program = at % 2 ? bench->counting : bench->idle;

		if (first == FIRST_TOLD && bench->cgroup < 0)
			continue;
		ns[at] = turn(bench, first, at ? program : NULL, connections);
	}
	without[round] = ns[0];
	for (unsigned first = 0; first < FIRSTS; first++) {
		struct results *way = &results[first];

		way->with[round] = ns[1 + first * 2];
		way->both[round] = way->with[round] - ns[0];
		way->calls[round] = (ns[2 + first * 2] - ns[0]) / 2;
		way->host[round] = way->both[round] - way->calls[round];
	}
}

static void measure(const struct bench *bench, unsigned rounds, unsigned connections)
{
	static double without[ROUNDS_MAX];
	static struct results results[FIRSTS];

	for (unsigned i = 0; i < rounds; i++)
		round_measure(bench, i, connections, without, results);
	printf("opening and closing a connection, %u rounds of %u, medians\n", rounds, connections);
	report("without counting", without, rounds);
	for (unsigned first = 0; first < FIRSTS; first++) {
		printf("%s%s\n", first_names[first],
		       first == FIRST_TOLD && bench->cgroup < 0 ? ": no root of the cgroups here"
								: "");
		if (first == FIRST_TOLD && bench->cgroup < 0)
			continue;
		report("  with counting", results[first].with, rounds);
		report("  more, by rounds, the client's end here too", results[first].both, rounds);
		report("  more, by rounds, on a mail host", results[first].host, rounds);
		report("  of these calls for what is not counted", results[first].calls, rounds);
	}
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 4 ? (unsigned)atoi(argv[4]) : 60;
	unsigned connections = argc > 5 ? (unsigned)atoi(argv[5]) : 4000;
	struct bench bench = { .cgroup = -1,
			       .address = { .sin_family = AF_INET, .sin_port = htons(25) } };

	if (argc < 4 || inet_pton(AF_INET, argv[3], &bench.address.sin_addr) != 1 || rounds < 1 ||
	    rounds > ROUNDS_MAX || connections < 10)
		return 2;
	(void)root_cgroup_open(MOUNTS_OF_THIS_PROCESS, &bench.cgroup);
	namespace_enter(argv[2]);
	programs_load(&bench);
	listen_on_25(&bench);
	namespace_enter(argv[1]);
	(void)turn(&bench, FIRST_TRACED, NULL, connections);
	measure(&bench, rounds, connections);
	return 0;
}
