/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a SYN costs from the wire to its drop, nanoseconds above a program that drops everything:
 * netfilter's ways to limit by source, the textbook counter, synanvil, all in one run on one pair
 * of devices. Contenders take turns within each round and the median of the rounds counts, so that
 * a machine whose speed drifts is unfair to none. Started by path.sh, which builds the namespaces.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "path.h"

#define ROUNDS_DEFAULT 5
#define FRAMES_DEFAULT 1000000
/* Of each turn, before the clock runs: the caches hold what the last contender used. */
#define WARM_SHARE 16
/* SYNs of new sources until every table and set has no place left. */
#define FULL (PATH_NFT_SET + PATH_NFT_SET / 32)

static const struct profile profiles[PROFILES] = {
	[ONE] = { "one source", "one", 1, 0, 1024, false },
	[TEN_THOUSAND] = { "10,000", "10000", 10000, (1 << 15) - 1, 1 << 15, false },
	[MILLION] = { "1,000,000", "1000000", 1000000, (1 << 21) - 1, 1 << 21, false },
	[RANDOM] = { "random", "random", 0, 0, FULL, true },
	[RANDOM_FULL] = { "nft full", "random_nft_full", 0, 0, FULL, false },
};

static const char *const names[CONTENDERS] = {
	[FLOOR] = "XDP, drop everything: the floor",
	[NFT_INGRESS] = "nft netdev ingress, dynamic set",
	[NFT_PREROUTING] = "nft prerouting, dynamic set",
	[HASHLIMIT] = "iptables hashlimit in raw",
	[TEXTBOOK] = "XDP, textbook counter",
	[SYNANVIL] = "synanvil",
};

static const char *const keys[CONTENDERS] = {
	[FLOOR] = "floor",
	[NFT_INGRESS] = "nft_ingress",
	[NFT_PREROUTING] = "nft_prerouting",
	[HASHLIMIT] = "iptables_hashlimit",
	[TEXTBOOK] = "textbook",
	[SYNANVIL] = "synanvil",
};

struct bench {
	struct lab lab;
	struct flood *flood;
	struct contestants *contestants;
	const struct profile *profile;
	int link; /* of the XDP contender whose turn it is */
	struct results results;
};

static bool is_netfilter(enum contender contender)
{
	return contender == NFT_INGRESS || contender == NFT_PREROUTING || contender == HASHLIMIT;
}

/* In the mail host's namespace. */
static int contender_on(struct bench *bench, enum contender contender)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	int program;

	if (is_netfilter(contender))
		return netfilter_on(&bench->lab, contender, bench->profile->sources == 0);
	program = contender == FLOOR ? flood_floor_fd(bench->flood)
				     : contestants_fd(bench->contestants, contender);
	bench->link = bpf_link_create(program, (int)bench->lab.mail_ifindex, BPF_XDP, &options);
	return bench->link < 0 ? -errno : 0;
}

static int contender_off(struct bench *bench, enum contender contender)
{
	if (is_netfilter(contender))
		return netfilter_off(&bench->lab, contender);
	(void)close(bench->link);
	return 0;
}

static int frames_read(const struct bench *bench, uint64_t *ret_received, uint64_t *ret_passed)
{
	int error = lab_enter_mail(&bench->lab);

	if (!error)
		error = lab_received(&bench->lab, ret_received);
	return error ? error : lab_passed(ret_passed);
}

/* Sends from the clients' namespace; comes back in the mail host's. */
static int send_and_count(struct bench *bench, uint32_t frames, struct turn *ret_turn)
{
	uint64_t received[2], passed[2];
	int error = frames_read(bench, &received[0], &passed[0]);

	if (!error)
		error = lab_enter_clients(&bench->lab);
	if (!error)
		error = flood_send(bench->flood, frames, &ret_turn->ns);
	if (!error)
		error = frames_read(bench, &received[1], &passed[1]);
	if (error)
		return error;
	ret_turn->dropped =
		((double)(received[1] - received[0]) - (double)(passed[1] - passed[0])) / frames;
	return 0;
}

static int turn_take(struct bench *bench, enum contender contender, uint32_t warm, uint32_t frames,
		     struct turn *ret_turn)
{
	struct turn warming;
	int error = lab_enter_mail(&bench->lab), off;

	if (!error)
		error = contender_on(bench, contender);
	if (error)
		return error;
	error = send_and_count(bench, warm, &warming);
	if (!error && frames)
		error = send_and_count(bench, frames, ret_turn);
	off = contender_off(bench, contender);
	return error ? error : off;
}

static bool is_nft(enum contender contender)
{
	return contender == NFT_INGRESS || contender == NFT_PREROUTING;
}

static uint32_t warm_up(const struct bench *bench, enum contender contender)
{
	bool brief = bench->profile->nft_has_room && is_nft(contender);

	return brief ? bench->results.frames / WARM_SHARE : bench->profile->warm;
}

/* Sources that one contender sees of a run that gives it a new one each time. */
static uint64_t set_size(const struct bench *bench)
{
	uint64_t turn = bench->results.frames + bench->results.frames / WARM_SHARE;

	return bench->profile->nft_has_room ? turn * (bench->results.rounds + 1) : PATH_NFT_SET;
}

/* Fresh tables, warmed; then the rounds. */
static int profile_measure(struct bench *bench, enum profile_id profile)
{
	struct results *results = &bench->results;
	int error = 0;

	flood_choose(bench->flood, bench->profile);
	for (enum contender c = FLOOR; c < CONTENDERS && !error; c++)
		error = turn_take(bench, c, warm_up(bench, c), 0, NULL);
	for (size_t round = 0; round < results->rounds && !error; round++)
		for (enum contender c = FLOOR; c < CONTENDERS && !error; c++)
			error = turn_take(bench, c, results->frames / WARM_SHARE, results->frames,
					  &results->turns[profile][c][round]);
	return error;
}

static int profile_run(struct bench *bench, enum profile_id profile)
{
	int error = lab_enter_mail(&bench->lab), closed;

	bench->profile = &profiles[profile];
	if (!error)
		error = netfilter_open(set_size(bench));
	if (!error)
		error = contestants_open(&bench->lab, bench->profile->sources == 0,
					 &bench->contestants);
	if (!error)
		error = profile_measure(bench, profile);
	bench->contestants = contestants_free(bench->contestants);
	closed = netfilter_close();
	return error ? error : closed;
}

/* Flood and receiver on one CPU, always the same: what a SYN takes is then what it costs. */
static int pin_to_last_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((int)sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) ? -errno : 0;
}

static int silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: path [-n FRAMES] [-r ROUNDS] [-o FILE] CLIENTS_NAMESPACE DEVICE "
			"MAIL_NAMESPACE DEVICE ADDRESS\n");
	return 2;
}

static int bench_run(struct bench *bench, char **lab_names)
{
	int error = lab_open(&bench->lab, lab_names);

	if (!error)
		error = pin_to_last_cpu();
	if (!error)
		error = flood_open(&bench->lab, &bench->flood);
	for (enum profile_id p = ONE; p < PROFILES && !error; p++)
		error = profile_run(bench, p);
	bench->flood = flood_free(bench->flood);
	return error;
}

static struct bench bench_default(void)
{
	return (struct bench){ .results = { .profiles = profiles,
					    .names = names,
					    .keys = keys,
					    .rounds = ROUNDS_DEFAULT,
					    .frames = FRAMES_DEFAULT } };
}

int main(int argc, char **argv)
{
	struct bench bench = bench_default();
	const char *file = NULL;
	int option, error;
	bool valid;

	while ((option = getopt(argc, argv, "n:r:o:")) != -1) {
		if (option == 'n')
			bench.results.frames = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'r')
			bench.results.rounds = strtoul(optarg, NULL, 10);
		else if (option == 'o')
			file = optarg;
		else
			return usage();
	}
	if (argc - optind != 5 || bench.results.frames < WARM_SHARE || !bench.results.rounds ||
	    bench.results.rounds > PATH_ROUNDS_MAX)
		return usage();
	libbpf_set_print(silent);
	error = bench_run(&bench, argv + optind);
	if (error) {
		fprintf(stderr, "path: %s\n", strerror(-error));
		return 1;
	}
	valid = report_print(&bench.results);
	error = file ? report_write(&bench.results, file) : 0;
	return error || !valid;
}
