/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading the packet path. libbpf itself would adopt a pinned map whose value has another layout of
 * the same size, so what may be adopted is decided by abi_hash, kept in a one-element map of its
 * own beside the others.
 */
#include "bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi_hash.h"
#include "checked.skel.h"
#include "cleanup.h"
#include "log.h"
#include "pins.h"
#include "privileges.h"
#include "synanvil.skel.h"
#include "tick.h"

#define ABI_PIN  "abi"
#define MAPS_MAX 32

struct bpf_program_set {
	struct synanvil_bpf *skeleton;
	uint64_t abi;
	bool adopted;
};

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[1024];

	(void)level;
	(void)vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	log_debug("%s", line);
	return 0;
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

/* Asks the kernel for what the program needs, to say more than "invalid argument". */
static const char *missing_feature(void)
{
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL) == 0)
		return "XDP programs";
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_LPM_TRIE, NULL) == 0)
		return "prefix tries (BPF_MAP_TYPE_LPM_TRIE)";
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 0)
		return "BPF ring buffers";
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, NULL) == 0)
		return "multi-buffer XDP (bpf_xdp_load_bytes)";
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_ktime_get_coarse_ns, NULL) == 0)
		return "bpf_ktime_get_coarse_ns in XDP programs";
	return NULL;
}

static int explain_load(int error, struct explanation *reterr_why)
{
	const char *feature = NULL;

	if (error == -ENOMEM)
		return explain(reterr_why, error,
			       "no kernel memory for the tables: lower source_table_size or raise "
			       "the memory limit");
	if (error == -EPERM)
		return explain(reterr_why, error,
			       "the kernel does not allow loading BPF programs here (CAP_BPF, "
			       "CAP_NET_ADMIN, lockdown)");
	feature = missing_feature();
	if (feature)
		return explain(reterr_why, error,
			       "this kernel is too old: it lacks %s; Linux 6.1 or newer is needed",
			       feature);
	if (!privileges_may_trace())
		return explain(reterr_why, error,
			       "the kernel refused the packet path's program: %s (-v shows its "
			       "reasons); it may take it with CAP_PERFMON",
			       strerror(-error));
	return explain(reterr_why, error,
		       "the kernel refused the packet path's program: %s (-v shows its reasons)",
		       strerror(-error));
}

static bool abi_matches(uint64_t wanted)
{
	_cleanup_close_ int abi = pins_get(ABI_PIN);
	uint32_t zero = 0;
	uint64_t found;

	return abi >= 0 && bpf_map_lookup_elem(abi, &zero, &found) == 0 && found == wanted;
}

/* All or none: a set of maps of which one is missing says nothing about the others. */
static bool maps_adopt(struct bpf_object *object)
{
	int fds[MAPS_MAX];
	size_t count = 0, i = 0;
	bool complete = true;
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__is_internal(map))
			continue;
		fds[count] = pins_get(bpf_map__name(map));
		complete = complete && fds[count++] >= 0;
		if (!complete || count == MAPS_MAX)
			break;
	}
	bpf_object__for_each_map(map, object)
	{
		if (complete && i < count && !bpf_map__is_internal(map))
			complete = bpf_map__reuse_fd(map, fds[i++]) == 0;
	}
	for (i = 0; i < count; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return complete;
}

static void tables_borrow(const struct synanvil_bpf *skeleton, uint32_t capacity, unsigned cpus,
			  struct tables *ret_tables)
{
	*ret_tables = (struct tables){
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
		.cpus = cpus,
		.source_capacity = capacity,
		.configured_trie = -1,
	};
}

/*
 * The packet path, or what Linux lets in of it without CAP_PERFMON (bpf/speculation.bpf.h). Both
 * are compiled from one source, so the skeleton of one fits the other.
 */
static struct synanvil_bpf *skeleton_open(void)
{
	struct synanvil_bpf *skeleton = calloc(1, sizeof(*skeleton));
	int error;

	if (!skeleton)
		return NULL;
	error = synanvil_bpf__create_skeleton(skeleton);
	if (!error && !privileges_may_trace())
		skeleton->skeleton->data =
			(void *)checked_bpf__elf_bytes(&skeleton->skeleton->data_sz);
	if (!error)
		error = bpf_object__open_skeleton(skeleton->skeleton, NULL);
	if (error) {
		synanvil_bpf__destroy(skeleton);
		errno = -error;
		return NULL;
	}
	return skeleton;
}

/* The skeleton, opened, with its sizes set. */
static int object_open(uint32_t source_table_size, unsigned cpus, struct bpf_program_set *program)
{
	uint32_t entries = SA_SOURCE_ENTRIES(source_table_size, cpus);
	struct tick tick;

	program->skeleton = skeleton_open();
	if (!program->skeleton)
		return -errno;
	if (bpf_map__set_max_entries(program->skeleton->maps.sources, entries))
		return -EINVAL;
	program->abi = abi_hash(program->skeleton->obj);
	/* Where this fails the program reads the slower clock. */
	if (tick_measure(&tick) == 0) {
		program->skeleton->rodata->tick_scale = tick.scale;
		program->skeleton->rodata->tick_offset_ms = tick.offset_ms;
	}
	return 0;
}

static void program_free(struct bpf_program_set **program)
{
	*program = bpf_object_free(*program);
}

int bpf_object_load(uint32_t source_table_size, bool verbose, struct bpf_program_set **ret_program,
		    struct tables *ret_tables, struct explanation *reterr_why)
{
	_cleanup_(program_free) struct bpf_program_set *program = NULL;
	int cpus, error;

	(void)libbpf_set_print(verbose ? print_libbpf : print_nothing);
	cpus = libbpf_num_possible_cpus();
	if (cpus < 1)
		return explain(reterr_why, cpus, "cannot tell the number of CPUs: %s",
			       strerror(-cpus));
	program = calloc(1, sizeof(*program));
	if (!program)
		return explain(reterr_why, -ENOMEM, "out of memory");
	error = object_open(source_table_size, (unsigned)cpus, program);
	if (error)
		return explain(reterr_why, error, "cannot open the packet path's program: %s",
			       strerror(-error));
	if (abi_matches(program->abi)) {
		program->adopted = maps_adopt(program->skeleton->obj);
		if (!program->adopted) {
			/* Some map may already be joined with a pinned one: start over with none.
			 */
			synanvil_bpf__destroy(TAKE_PTR(program->skeleton));
			error = object_open(source_table_size, (unsigned)cpus, program);
		}
	}
	if (!error)
		error = synanvil_bpf__load(program->skeleton);
	if (error)
		return explain_load(error, reterr_why);
	tables_borrow(program->skeleton, source_table_size, (unsigned)cpus, ret_tables);
	error = tables_live_open(ret_tables);
	if (error)
		return explain(reterr_why, error, "cannot map the table of live counts: %s",
			       strerror(-error));
	*ret_program = TAKE_PTR(program);
	return 0;
}

bool bpf_object_adopted(const struct bpf_program_set *program)
{
	return program->adopted;
}

static int abi_pin(uint64_t hash)
{
	_cleanup_close_ int abi = -1;
	uint32_t zero = 0;

	abi = bpf_map_create(BPF_MAP_TYPE_ARRAY, "synanvil_abi", sizeof(zero), sizeof(hash), 1,
			     NULL);
	if (abi < 0)
		return -errno;
	if (bpf_map_update_elem(abi, &zero, &hash, BPF_ANY))
		return -errno;
	return pins_put(ABI_PIN, abi);
}

/* The ABI's pin goes first and comes last: a set of maps that is half replaced is never adopted. */
int bpf_object_pin(struct bpf_program_set *program, struct explanation *reterr_why)
{
	const struct bpf_map *map;
	int error;

	if (program->adopted)
		return 0;
	error = pins_remove(ABI_PIN);
	bpf_object__for_each_map(map, program->skeleton->obj)
	{
		if (!error && !bpf_map__is_internal(map))
			error = pins_put(bpf_map__name(map), bpf_map__fd(map));
	}
	if (!error)
		error = abi_pin(program->abi);
	if (error)
		return explain(reterr_why, error, "cannot pin the tables in bpf_directory: %s",
			       strerror(-error));
	program->adopted = true;
	return 0;
}

int bpf_object_program_fd(const struct bpf_program_set *program)
{
	return bpf_program__fd(program->skeleton->progs.synanvil);
}

int bpf_object_map_fd(const struct bpf_program_set *program, const char *name)
{
	return bpf_object__find_map_fd_by_name(program->skeleton->obj, name);
}

struct bpf_program_set *bpf_object_free(struct bpf_program_set *program)
{
	if (program) {
		synanvil_bpf__destroy(program->skeleton);
		free(program);
	}
	return NULL;
}
