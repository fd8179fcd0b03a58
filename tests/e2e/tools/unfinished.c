/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaves the tables as an agent does that is killed when it has noted that it will count a
 * connection of an IPv4 address to the first service, and has not counted it yet. No agent may run.
 *
 * unfinished PIN_DIRECTORY ADDRESS
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "synanvil/abi.h"
#include "synanvil/live.h"

static int pinned(const char *directory, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return bpf_obj_get(path);
}

static int settings_read(const char *directory, struct sa_settings *settings)
{
	__u32 index = 0, zero = 0;

	if (bpf_map_lookup_elem(pinned(directory, "active"), &zero, &index))
		return -1;
	return bpf_map_lookup_elem(pinned(directory, "settings"), &index, settings);
}

int main(int argc, char **argv)
{
	static struct sa_settings settings;
	struct sa_source_key key = { .address = { [10] = 0xff, [11] = 0xff } };
	struct sa_live_totals *head;
	struct sa_live_place place;

	if (argc != 3 || inet_pton(AF_INET, argv[2], key.address + 12) != 1) {
		fprintf(stderr, "usage: unfinished PIN_DIRECTORY ADDRESS\n");
		return 2;
	}
	head = mmap(NULL, sizeof(*head), PROT_READ | PROT_WRITE, MAP_SHARED,
		    pinned(argv[1], "live_totals"), 0);
	if (head == MAP_FAILED || settings_read(argv[1], &settings)) {
		perror(argv[1]);
		return 1;
	}
	key.service = settings.services[0].id;
	place = sa_live_place(head->seed, &key, settings.epoch);
	head->intent = (struct sa_live_intent){
		.cookie = 1ULL << 40,
		.digest = place.digest,
		.epoch = settings.epoch,
		.bucket = place.bucket,
		.slot = (__u16)settings.services[0].slot,
		.counted = SA_COUNTED_SOURCE | SA_COUNTED_SERVICE,
		.under_way = 1,
	};
	return 0;
}
