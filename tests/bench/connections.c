/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What counting live connections costs a mail host: the same connections, in turns with and without
 * the counting programs, and the difference of each turn to the one beside it. Time is this
 * process' CPU time: it listens, and all of the kernel's work is done within its calls. Its client
 * is no socket, which the kernel would call the programs for as well (raw_client.h).
 *
 * The programs can be attached in two ways (bpf/connections.bpf.c); here are both.
 *
 * connections [ROUNDS [CONNECTIONS A ROUND]]
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "connections.skel.h"
#include "raw_client.h"
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
	struct raw_client client;
	int listener;
	int cgroup; /* the root; -1 */
};

static void die(const char *what)
{
	fprintf(stderr, "connections: %s: %s\n", what, strerror(errno));
	exit(1);
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

/* An entry, as the packet path makes it: each connection that opens swaps its word of places. */
static void source_write(const struct bench *bench)
{
	struct sa_source_key key = { .address = { [10] = 0xff, [11] = 0xff }, .service = 1 };
	const struct sa_source source = { .pending = 0 };

	if (inet_pton(AF_INET, RAW_CLIENT_SELF, &key.address[12]) != 1 ||
	    bpf_map_update_elem(bpf_map__fd(bench->packet_path->maps.sources), &key, &source,
				BPF_ANY))
		die("sources");
}

static uint64_t net_cookie_read(void)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (getsockopt(any, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		die("SO_NETNS_COOKIE");
	(void)close(any);
	return cookie;
}

static void maps_join(const struct bench *bench)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, bench->counting->obj)
	{
		if (!bpf_map__is_internal(map) &&
		    bpf_map__reuse_fd(map, bpf_object__find_map_fd_by_name(bench->packet_path->obj,
									   bpf_map__name(map))))
			die("maps");
	}
}

static void programs_load(struct bench *bench)
{
	struct tick tick;

	if (tick_measure(&tick))
		die("tick");
	bench->packet_path = synanvil_bpf__open_and_load();
	bench->counting = connections_bpf__open();
	if (!bench->packet_path || !bench->counting)
		die("open");
	bench->counting->rodata->net_cookie = net_cookie_read();
	bench->counting->rodata->tick_scale = tick.scale;
	bench->counting->rodata->tick_offset_ms = tick.offset_ms;
	maps_join(bench);
	if (connections_bpf__load(bench->counting))
		die("load");
	settings_write(bench);
	source_write(bench);
}

static void listen_at_host(struct bench *bench)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(RAW_CLIENT_PORT) };

	bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (inet_pton(AF_INET, RAW_CLIENT_HOST, &address.sin_addr) != 1 ||
	    bind(bench->listener, (const struct sockaddr *)&address, sizeof(address)) ||
	    listen(bench->listener, 16))
		die("listen");
}

static uint64_t live(const struct bench *bench)
{
	static struct sa_live_totals totals;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(bench->packet_path->maps.live_totals), &zero, &totals))
		die("live_totals");
	return (uint32_t)totals.services[0];
}

static void open_and_close(struct bench *bench)
{
	int error = raw_client_open(&bench->client), server;

	if (error) {
		errno = -error;
		die("open");
	}
	server = accept4(bench->listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0 || raw_client_reset(&bench->client))
		die("accept");
	(void)close(server);
}

/* A program that counts nothing would cost little. */
static void counting_is_at_work(struct bench *bench)
{
	int server;

	if (raw_client_open(&bench->client))
		die("open");
	server = accept4(bench->listener, NULL, NULL, SOCK_CLOEXEC);
	errno = 0;
	if (live(bench) != 1)
		die("an open connection is not counted");
	if (server < 0 || raw_client_reset(&bench->client))
		die("accept");
	(void)close(server);
	if (live(bench) != 0)
		die("a closed connection is counted");
}

static double cpu_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now))
		die("clock_gettime");
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct bpf_link *first_attach(const struct bench *bench, enum first first)
{
	if (first == FIRST_TRACED)
		return bpf_program__attach(bench->counting->progs.synanvil_connections);
	return bpf_program__attach_cgroup(bench->counting->progs.synanvil_connections_told,
					  bench->cgroup);
}

/* ns of CPU for each connection. */
static double turn(struct bench *bench, unsigned connections)
{
	double begun;

	for (unsigned i = 0; i < connections / 10; i++)
		open_and_close(bench);
	begun = cpu_ns();
	for (unsigned i = 0; i < connections; i++)
		open_and_close(bench);
	return (cpu_ns() - begun) / connections;
}

static double turn_counted(struct bench *bench, enum first first, unsigned connections)
{
	struct bpf_link *link = first_attach(bench, first);
	struct bpf_link *again =
		bpf_program__attach(bench->counting->progs.synanvil_connections_again);
	double ns;

	if (!link || !again)
		die("attach");
	counting_is_at_work(bench);
	ns = turn(bench, connections);
	counting_is_at_work(bench);
	(void)bpf_link__destroy(again);
	(void)bpf_link__destroy(link);
	return ns;
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

/* One way of attaching. */
struct results {
	double with[ROUNDS_MAX];
	double more[ROUNDS_MAX]; /* than without, in the same round */
};

/* In turns which one is first: none has the warmer caches. */
static void round_measure(struct bench *bench, unsigned round, unsigned connections,
			  double *without, struct results *results)
{
	for (unsigned k = 0; k <= FIRSTS; k++) {
		const unsigned at = (round + k) % (FIRSTS + 1);

		if (at == FIRSTS)
			without[round] = turn(bench, connections);
		else if (at != FIRST_TOLD || bench->cgroup >= 0)
			results[at].with[round] = turn_counted(bench, at, connections);
	}
	for (unsigned first = 0; first < FIRSTS; first++)
		results[first].more[round] = results[first].with[round] - without[round];
}

static void measure(struct bench *bench, unsigned rounds, unsigned connections)
{
	static double without[ROUNDS_MAX];
	static struct results results[FIRSTS];

	for (unsigned i = 0; i < rounds; i++)
		round_measure(bench, i, connections, without, results);
	printf("opening and closing a connection, %u rounds of %u, medians\n", rounds, connections);
	report("without counting", without, rounds);
	for (unsigned first = 0; first < FIRSTS; first++) {
		if (first == FIRST_TOLD && bench->cgroup < 0) {
			printf("%s: no root of the cgroups here\n", first_names[first]);
			continue;
		}
		printf("%s\n", first_names[first]);
		report("  with counting", results[first].with, rounds);
		report("  more, by rounds", results[first].more, rounds);
	}
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 60;
	unsigned connections = argc > 2 ? (unsigned)atoi(argv[2]) : 4000;
	struct bench bench = { .cgroup = -1 };
	int error;

	if (argc > 3 || rounds < 1 || rounds > ROUNDS_MAX || connections < 10)
		return 2;
	(void)root_cgroup_open(MOUNTS_OF_THIS_PROCESS, &bench.cgroup);
	error = raw_client_init(&bench.client);
	if (error) {
		errno = -error;
		die("a network namespace with a TUN device, as root");
	}
	programs_load(&bench);
	listen_at_host(&bench);
	(void)turn(&bench, connections);
	measure(&bench, rounds, connections);
	return 0;
}
