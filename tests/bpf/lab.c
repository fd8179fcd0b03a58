/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading the packet path and putting settings in force.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "checked.skel.h"
#include "synanvil.skel.h"
#include "synanvil/homes.h"

#define LOOPBACK_IFINDEX 1 /* where BPF_PROG_TEST_RUN says that frames come from */

static void tables_borrow(struct lab *lab, uint32_t capacity)
{
	const struct synanvil_bpf *skeleton = lab->skeleton;

	lab->tables = (struct tables){
		.active = bpf_map__fd(skeleton->maps.active),
		.settings = bpf_map__fd(skeleton->maps.settings),
		.configured = bpf_map__fd(skeleton->maps.configured),
		.runtime = bpf_map__fd(skeleton->maps.runtime),
		.blocks = bpf_map__fd(skeleton->maps.blocks),
		.filters = bpf_map__fd(skeleton->maps.filters),
		.generation = bpf_map__fd(skeleton->maps.generation),
		.sources = bpf_map__fd(skeleton->maps.sources),
		.blocked_sources = bpf_map__fd(skeleton->maps.blocked_sources),
		.counters = bpf_map__fd(skeleton->maps.counters),
		.totals = bpf_map__fd(skeleton->maps.totals),
		.events = bpf_map__fd(skeleton->maps.events),
		.connections = bpf_map__fd(skeleton->maps.connections),
		.homes = bpf_map__fd(skeleton->maps.homes),
		.live = bpf_map__fd(skeleton->maps.live),
		.live_totals = bpf_map__fd(skeleton->maps.live_totals),
		.cpus = (unsigned)libbpf_num_possible_cpus(),
		.source_capacity = capacity,
		.configured_trie = -1,
	};
	lab->entries = bpf_map__max_entries(skeleton->maps.sources);
	lab->program = bpf_program__fd(skeleton->progs.synanvil);
}

static void settings_default(struct lab *lab)
{
	lab->settings = (struct sa_settings){
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.rate_unit_ms = LAB_UNIT_MS,
		.enforcement = SA_ENFORCE,
		.cache_classification = 1,
		.interfaces[1] = { .ifindex = LOOPBACK_IFINDEX, .slot = 1, .name = "lo" },
	};
	memset(&lab->settings.mask_ipv6, 0xff, 10);
	((uint8_t *)&lab->settings.mask_ipv6)[10] = 0xf0; /* 84 bits */
	(void)lab_service(lab, NULL, 25, LAB_LIMIT);
}

struct sa_service *lab_service(struct lab *lab, const char *destination, uint16_t port,
			       uint32_t limit)
{
	uint32_t row = lab->settings.service_count++;
	struct sa_service *service = &lab->settings.services[row];

	assert_true(row < SA_SERVICES_MAX);
	*service = (struct sa_service){
		.any_address = !destination,
		.port_be = htons(port),
		.id = 100 + row,
		.slot = row,
		.rate_limit = limit,
	};
	if (destination)
		service->address = address_of(destination);
	return service;
}

/* SYNANVIL_CHECKED: the build for agents without CAP_PERFMON. */
static struct synanvil_bpf *packet_path_open(void)
{
	struct synanvil_bpf *skeleton = calloc(1, sizeof(*skeleton));

	assert_non_null(skeleton);
	assert_int_equal(synanvil_bpf__create_skeleton(skeleton), 0);
	if (getenv("SYNANVIL_CHECKED"))
		skeleton->skeleton->data =
			(void *)checked_bpf__elf_bytes(&skeleton->skeleton->data_sz);
	assert_int_equal(bpf_object__open_skeleton(skeleton->skeleton, NULL), 0);
	return skeleton;
}

/* With the effective capabilities that these calls leave, the permitted ones stay. */
static void tracing_is_allowed(bool allowed)
{
	const struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	const uint32_t admin = CAP_TO_MASK(CAP_SYS_ADMIN), perfmon = CAP_TO_MASK(CAP_PERFMON);

	assert_int_equal(syscall(SYS_capget, &head, sets), 0);
	sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &= ~admin;
	sets[CAP_TO_INDEX(CAP_PERFMON)].effective &= ~perfmon;
	if (allowed) {
		sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective |=
			sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].permitted & admin;
		sets[CAP_TO_INDEX(CAP_PERFMON)].effective |=
			sets[CAP_TO_INDEX(CAP_PERFMON)].permitted & perfmon;
	}
	assert_int_equal(syscall(SYS_capset, &head, sets), 0);
}

/* SYNANVIL_CHECKED: as Linux lets it in without CAP_PERFMON. */
static int packet_path_load(struct synanvil_bpf *skeleton)
{
	const bool checked = getenv("SYNANVIL_CHECKED");
	int error;

	if (checked)
		tracing_is_allowed(false);
	error = synanvil_bpf__load(skeleton);
	if (checked)
		tracing_is_allowed(true);
	return error;
}

/* As the agent makes it: what the kernel holds back comes on top of the size that was asked for. */
struct lab *lab_new(uint32_t source_table_size)
{
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();
	struct lab *lab = calloc(1, sizeof(*lab));
	uint32_t tick_scale;
	uint64_t tick_offset_ms;

	assert_non_null(lab);
	lab->skeleton = packet_path_open();
	lab_clock_start(&tick_scale, &tick_offset_ms);
	lab->skeleton->rodata->tick_scale = tick_scale;
	lab->skeleton->rodata->tick_offset_ms = tick_offset_ms;
	(void)bpf_map__set_max_entries(lab->skeleton->maps.sources,
				       SA_SOURCE_ENTRIES(source_table_size, cpus));
	if (packet_path_load(lab->skeleton)) {
		synanvil_bpf__destroy(lab->skeleton);
		free(lab);
		return NULL;
	}
	tables_borrow(lab, source_table_size);
	settings_default(lab);
	lab_apply_list(lab, NULL, 0);
	return lab;
}

void lab_free(struct lab *lab)
{
	if (!lab)
		return;
	if (lab->tables.configured_trie >= 0)
		(void)close(lab->tables.configured_trie);
	if (lab->homes)
		(void)munmap(lab->homes, SA_HOMES * sizeof(*lab->homes));
	synanvil_bpf__destroy(lab->skeleton);
	free(lab);
}

/* What the packet path remembers under the old number is forgotten, as after the agent's changes.
 */
void lab_move_generation(const struct lab *lab)
{
	uint32_t zero = 0;
	uint64_t number;

	assert_int_equal(bpf_map_lookup_elem(lab->tables.generation, &zero, &number), 0);
	number += 0x9e3779b97f4a7c15ULL;
	number += !number;
	assert_int_equal(bpf_map_update_elem(lab->tables.generation, &zero, &number, BPF_ANY), 0);
}

/* No packet is on its way here, so the slot in force may be written and nobody waited for. */
void lab_apply(struct lab *lab)
{
	uint32_t zero = 0, index;

	assert_int_equal(bpf_map_lookup_elem(lab->tables.active, &zero, &index), 0);
	assert_int_equal(bpf_map_update_elem(lab->tables.settings, &index, &lab->settings, BPF_ANY),
			 0);
	lab_move_generation(lab);
}

void lab_apply_list(struct lab *lab, const struct exception_entry *entries, size_t count)
{
	assert_int_equal(tables_configuration_switch(&lab->tables, &lab->settings, entries, count),
			 0);
	lab->listed = count > 0;
}

static int group_setup(void **state)
{
	*state = lab_new(LAB_TABLE_SIZE);
	return *state ? 0 : -1;
}

static int group_teardown(void **state)
{
	lab_free(*state);
	return 0;
}

int lab_setup(void **state)
{
	struct lab *lab = *state;

	settings_default(lab);
	if (lab->listed)
		lab_apply_list(lab, NULL, 0);
	else
		lab_apply(lab);
	lab_forget(lab);
	return 0;
}

static void forget_all(int map, void *key)
{
	while (!bpf_map_get_next_key(map, NULL, key))
		assert_int_equal(bpf_map_delete_elem(map, key), 0);
}

void lab_forget(struct lab *lab)
{
	struct sa_source_key source;
	struct sa_prefix prefix;

	forget_all(lab->tables.sources, &source);
	forget_all(lab->tables.blocked_sources, &source);
	forget_all(lab->tables.runtime, &prefix);
	forget_all(lab->tables.blocks, &prefix);
	lab_move_generation(lab);
}

static void skip_test(void **state)
{
	(void)state;
	skip();
}

/* A kernel that refuses our program must not look like one without BPF: a trivial map decides. */
static const char *why_unavailable(void)
{
	int map;

	if (geteuid() != 0)
		return "not root";
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL);
	if (map < 0)
		return "this kernel does not let us create BPF maps";
	(void)close(map);
	return NULL;
}

bool lab_available(const char *group)
{
	const char *why = why_unavailable();

	if (why)
		(void)fprintf(stderr, "%s: skipped: %s\n", group, why);
	return !why;
}

void lab_skip(struct CMUnitTest *tests, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		tests[i].test_func = skip_test;
		tests[i].setup_func = NULL;
		tests[i].teardown_func = NULL;
	}
}

int lab_run(const char *group, struct CMUnitTest *tests, size_t count)
{
	if (lab_available(group))
		return _cmocka_run_group_tests(group, tests, count, group_setup, group_teardown);
	lab_skip(tests, count);
	return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}
