/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends SYNs from many made-up sources, millions a second, out of one end of a veth pair.
 *
 * The kernel runs a small program once for each frame and transmits what it wrote
 * (BPF_PROG_TEST_RUN with live frames). Checksums are right, so what the receiver lets through is a
 * SYN like any other. Prints one line: sent=N. N is what was handed to the interface; the
 * receiver's own counters say what arrived.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "syn-flood.h"
#include "syn-flood.skel.h"

/* Frames of one kernel batch: below the 256 places of a veth ring, so that none is lost while it is
 * emptied. */
#define BATCH 64
#define CHUNK 65536

struct order {
	struct flood_plan plan;
	unsigned ifindex;
	uint64_t count; /* 0: until a signal */
	uint64_t rate;  /* a second; 0: as fast as it goes */
};

static void die(const char *what, int error)
{
	fprintf(stderr, "syn-flood: %s: %s\n", what, strerror(error));
	exit(1);
}

static uint64_t parse_number(const char *text, uint64_t maximum)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || value > maximum) {
		fprintf(stderr, "syn-flood: bad number: %s\n", text);
		exit(2);
	}
	return value;
}

static uint32_t sum_of(const unsigned char *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	return sum;
}

static void put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static void write_ethernet(struct order *order, const char *interface, const char *to)
{
	unsigned char *frame = order->plan.frame;
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		die(interface, errno);
	close(fd);
	memcpy(frame + 6, request.ifr_hwaddr.sa_data, 6);
	if (sscanf(to, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &frame[0], &frame[1], &frame[2], &frame[3],
		   &frame[4], &frame[5]) != 6) {
		fprintf(stderr, "syn-flood: bad MAC address: %s\n", to);
		exit(2);
	}
	put16(frame + 12, order->plan.ipv6 ? 0x86dd : 0x0800);
}

static void write_tcp(struct order *order, unsigned char *tcp, unsigned port, uint32_t pseudo)
{
	put16(tcp + 2, port);
	tcp[12] = 5 << 4;
	tcp[13] = 0x02; /* SYN */
	put16(tcp + 14, 64240);
	order->plan.tcp_sum = sum_of(tcp, 20) + pseudo + IPPROTO_TCP + 20;
}

static void write_ipv4(struct order *order, const char *source, const struct in_addr *target,
		       unsigned port)
{
	unsigned char *ip = order->plan.frame + 14;
	struct in_addr first;

	if (inet_pton(AF_INET, source, &first) != 1) {
		fprintf(stderr, "syn-flood: source and target must be of one family\n");
		exit(2);
	}
	order->plan.source = ntohl(first.s_addr);
	ip[0] = 0x45;
	put16(ip + 2, 40);
	put16(ip + 6, 0x4000); /* don't fragment */
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 16, target, 4);
	order->plan.ip_sum = sum_of(ip, 20);
	write_tcp(order, ip + 20, port, sum_of(ip + 16, 4));
}

static void write_ipv6(struct order *order, const char *source, const struct in6_addr *target,
		       unsigned port)
{
	unsigned char *ip = order->plan.frame + 14;
	uint32_t network;

	if (inet_pton(AF_INET6, source, ip + 8) != 1) {
		fprintf(stderr, "syn-flood: source and target must be of one family\n");
		exit(2);
	}
	memcpy(&network, ip + 12, sizeof(network));
	order->plan.source = ntohl(network);
	memset(ip + 12, 0, 4);
	ip[0] = 0x60;
	put16(ip + 4, 20);
	ip[6] = IPPROTO_TCP;
	ip[7] = 64;
	memcpy(ip + 24, target, 16);
	write_tcp(order, ip + 40, port, sum_of(ip + 8, 32));
}

static void usage(void)
{
	fprintf(stderr, "usage: syn-flood [-n COUNT] [-r PER_SECOND] [-s SOURCE] [-a SOURCES] [-q] "
			"-m TARGET_MAC\n"
			"                 INTERFACE ADDRESS PORT\n");
	exit(2);
}

static struct order parse_arguments(int argc, char **argv)
{
	struct order order = { .plan.sources = 1 };
	const char *mac = NULL;
	const char *source = NULL;
	struct in6_addr target;
	unsigned port;
	int option;

	while ((option = getopt(argc, argv, "n:r:s:a:m:q")) != -1) {
		if (option == 'n')
			order.count = parse_number(optarg, UINT64_MAX);
		else if (option == 'r')
			order.rate = parse_number(optarg, 100000000);
		else if (option == 's')
			source = optarg;
		else if (option == 'a')
			order.plan.sources = (unsigned)parse_number(optarg, UINT32_MAX);
		else if (option == 'm')
			mac = optarg;
		else if (option == 'q')
			order.plan.sequential = 1;
		else
			usage();
	}
	if (argc - optind != 3 || !mac || !source || !order.plan.sources)
		usage();
	order.ifindex = if_nametoindex(argv[optind]);
	port = (unsigned)parse_number(argv[optind + 2], 65535);
	order.plan.ipv6 = inet_pton(AF_INET6, argv[optind + 1], &target) == 1;
	if (order.plan.ipv6)
		write_ipv6(&order, source, &target, port);
	else if (inet_pton(AF_INET, argv[optind + 1], &target) == 1)
		write_ipv4(&order, source, (struct in_addr *)&target, port);
	else
		usage();
	write_ethernet(&order, argv[optind], mac);
	return order;
}

static struct syn_flood_bpf *load(const struct flood_plan *plan)
{
	struct syn_flood_bpf *skeleton = syn_flood_bpf__open();
	int error;

	if (!skeleton)
		die("open", errno);
	memcpy((void *)&skeleton->rodata->plan, plan, sizeof(*plan));
	error = syn_flood_bpf__load(skeleton);
	if (error)
		die("load", -error);
	return skeleton;
}

static void send_frames(int program, unsigned ifindex, unsigned count)
{
	unsigned char frame[FLOOD_FRAME_IPV6] = { 0 };
	struct xdp_md context = { .data_end = sizeof(frame), .ingress_ifindex = ifindex };
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
			    .data_size_in = sizeof(frame), .ctx_in = &context,
			    .ctx_size_in = sizeof(context), .repeat = (int)count,
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	int error = bpf_prog_test_run_opts(program, &options);

	if (error)
		die("BPF_PROG_TEST_RUN", -error);
}

/* Waits until as much time has passed as sent frames may take. */
static void keep_rate(const struct timespec *started, uint64_t sent, uint64_t rate)
{
	struct timespec until = *started;
	uint64_t nanoseconds;

	if (!rate)
		return;
	nanoseconds = (uint64_t)started->tv_nsec + sent % rate * 1000000000ULL / rate;
	until.tv_sec += (time_t)(sent / rate + nanoseconds / 1000000000ULL);
	until.tv_nsec = (long)(nanoseconds % 1000000000ULL);
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* The signals that end the flood stay blocked: inside the kernel's loop they would leave the number
 * of frames unknown. */
static sigset_t block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	return signals;
}

static bool stopped(const sigset_t *signals)
{
	static const struct timespec at_once;

	return sigtimedwait(signals, NULL, &at_once) > 0;
}

int main(int argc, char **argv)
{
	struct order order = parse_arguments(argc, argv);
	struct syn_flood_bpf *skeleton = load(&order.plan);
	sigset_t signals = block_signals();
	uint64_t chunk = order.rate && order.rate / 50 < CHUNK ? order.rate / 50 + 1 : CHUNK;
	struct timespec started;
	uint64_t sent = 0;

	clock_gettime(CLOCK_MONOTONIC, &started);
	while (!stopped(&signals) && (!order.count || sent < order.count)) {
		uint64_t next =
			order.count && order.count - sent < chunk ? order.count - sent : chunk;

		send_frames(bpf_program__fd(skeleton->progs.syn_flood), order.ifindex,
			    (unsigned)next);
		sent += next;
		keep_rate(&started, sent, order.rate);
	}
	printf("sent=%llu\n", (unsigned long long)sent);
	syn_flood_bpf__destroy(skeleton);
	return 0;
}
