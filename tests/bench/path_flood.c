/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends SYNs out of the clients' end of the link, as fast as the mail host's end takes them: both
 * ends are worked by one CPU, so the time that a SYN takes is the time that it costs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/if_ether.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "path.h"
#include "path_flood.h"
#include "path_flood.skel.h"

/* Frames of one kernel batch: a veth ring has 256 places, and none may be lost. */
#define BATCH 64

struct flood {
	struct path_flood_bpf *object;
	unsigned ifindex;
};

static uint32_t sum_of(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		uint16_t word;

		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

/* What does not vary of the headers that path_flood.bpf.c writes. */
static struct flood_plan plan_make(const struct lab *lab)
{
	struct flood_plan plan = { .target_be = lab->mail_address_be };
	uint8_t ip[20] = { 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6 };
	uint8_t tcp[20] = { [2] = 0,     [3] = 25,          [12] = 5 << 4,
			    [13] = 0x02, [14] = 64240 >> 8, [15] = 64240 & 0xff };
	uint8_t pseudo[8] = { [5] = 6, [7] = sizeof(tcp) };
	uint16_t type = htobe16(ETH_P_IP);

	memcpy(&plan.ethernet[0], lab->mail_mac, 6);
	memcpy(&plan.ethernet[3], lab->clients_mac, 6);
	plan.ethernet[6] = type;
	memcpy(ip + 16, &lab->mail_address_be, 4);
	memcpy(pseudo, &lab->mail_address_be, 4);
	plan.ip_sum = sum_of(ip, sizeof(ip));
	plan.tcp_sum = sum_of(tcp, sizeof(tcp)) + sum_of(pseudo, sizeof(pseudo));
	return plan;
}

int flood_open(const struct lab *lab, struct flood **ret_flood)
{
	struct flood *flood = calloc(1, sizeof(*flood));
	struct flood_plan plan = plan_make(lab);
	int error;

	if (!flood)
		return -ENOMEM;
	*ret_flood = flood;
	flood->ifindex = lab->clients_ifindex;
	flood->object = path_flood_bpf__open();
	if (!flood->object)
		return -errno;
	memcpy((void *)&flood->object->rodata->plan, &plan, sizeof(plan));
	error = path_flood_bpf__load(flood->object);
	return error;
}

void flood_choose(struct flood *flood, const struct profile *profile)
{
	flood->object->data->source_count = profile->sources;
	flood->object->bss->step_mask = profile->mask;
}

int flood_send(const struct flood *flood, uint32_t frames, double *ret_ns)
{
	uint8_t frame[FLOOD_FRAME_SIZE] = { 0 };
	struct xdp_md context = { .data_end = sizeof(frame), .ingress_ifindex = flood->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = (int)frames,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (bpf_prog_test_run_opts(bpf_program__fd(flood->object->progs.path_flood), &options))
		return -errno;
	clock_gettime(CLOCK_MONOTONIC, &end);
	*ret_ns = ((double)(end.tv_sec - start.tv_sec) * 1e9 +
		   (double)(end.tv_nsec - start.tv_nsec)) /
		  frames;
	return 0;
}

int flood_floor_fd(const struct flood *flood)
{
	return bpf_program__fd(flood->object->progs.path_floor);
}

struct flood *flood_free(struct flood *flood)
{
	if (flood)
		path_flood_bpf__destroy(flood->object);
	free(flood);
	return NULL;
}
