/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The XDP contenders: the textbook counter and synanvil's own program, with the same limit and the
 * same number of sources. synanvil gets the lists of a default configuration.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "path.h"
#include "path_drop_synanvil.skel.h"
#include "path_drop_textbook.skel.h"
#include "synanvil.skel.h"
#include "synanvil/abi.h"
#include "tables.h"
#include "textbook.skel.h"
#include "tick.h"

/* Of each pair one is loaded: the program as it is, or the one that drops what it would pass. */
struct contestants {
	struct textbook_bpf *textbook;
	struct path_drop_textbook_bpf *textbook_drop;
	struct synanvil_bpf *synanvil;
	struct path_drop_synanvil_bpf *synanvil_drop;
};

static uint32_t table_size(void)
{
	return SA_SOURCE_ENTRIES(PATH_TABLE, (uint32_t)libbpf_num_possible_cpus());
}

static int textbook_open(struct contestants *set)
{
	set->textbook = textbook_bpf__open();
	if (!set->textbook)
		return -errno;
	set->textbook->rodata->textbook_limit = PATH_LIMIT;
	set->textbook->rodata->textbook_unit_ns = PATH_UNIT_S * 1000000000ULL;
	return textbook_bpf__load(set->textbook);
}

static int textbook_drop_open(struct contestants *set)
{
	set->textbook_drop = path_drop_textbook_bpf__open();
	if (!set->textbook_drop)
		return -errno;
	bpf_program__set_autoload(set->textbook_drop->progs.textbook, false);
	set->textbook_drop->rodata->textbook_limit = PATH_LIMIT;
	set->textbook_drop->rodata->textbook_unit_ns = PATH_UNIT_S * 1000000000ULL;
	return path_drop_textbook_bpf__load(set->textbook_drop);
}

static int map_fd(const struct bpf_object *object, const char *name)
{
	return bpf_object__find_map_fd_by_name(object, name);
}

/* The same for both forms of the program, so maps are found by name. */
static struct tables tables_of(const struct bpf_object *object)
{
	return (struct tables){
		.active = map_fd(object, "active"),
		.settings = map_fd(object, "settings"),
		.configured = map_fd(object, "configured"),
		.runtime = map_fd(object, "runtime"),
		.blocks = map_fd(object, "blocks"),
		.generation = map_fd(object, "generation"),
		.filters = map_fd(object, "filters"),
		.sources = map_fd(object, "sources"),
		.blocked_sources = map_fd(object, "blocked_sources"),
		.counters = map_fd(object, "counters"),
		.totals = map_fd(object, "totals"),
		.events = map_fd(object, "events"),
		.cpus = (unsigned)libbpf_num_possible_cpus(),
		.source_capacity = PATH_TABLE,
		.configured_trie = -1,
	};
}

/* 127.0.0.0/8 and ::1: what $mynetworks is by default. */
static void exceptions_default(struct exception_entry entries[2])
{
	uint8_t loopback[16] = { [10] = 0xff, [11] = 0xff, [12] = 127 };

	memset(entries, 0, 2 * sizeof(*entries));
	memcpy(entries[1].prefix.address, loopback, sizeof(loopback));
	entries[1].prefix.length = 104;
	entries[0].prefix.address[15] = 1;
	entries[0].prefix.length = 128;
	entries[0].value = entries[1].value = SA_EXCEPTION_EXEMPT;
}

static int synanvil_configure(const struct bpf_object *object, const struct lab *lab)
{
	uint32_t mask6[4] = { ~0U, ~0U, htonl(0xfffff000), 0 };
	struct sa_settings settings = {
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.rate_unit_ms = PATH_UNIT_S * 1000,
		.enforcement = SA_ENFORCE,
		.service_count = 1,
		.cache_classification = 1,
		.interfaces[1] = { .ifindex = lab->mail_ifindex, .slot = 1 },
		.services[0] = { .port_be = htons(25),
				 .any_address = 1,
				 .id = 1,
				 .rate_limit = PATH_LIMIT },
	};
	struct tables tables = tables_of(object);
	struct exception_entry entries[2];

	memcpy(&settings.mask_ipv6, mask6, sizeof(mask6));
	exceptions_default(entries);
	return tables_configuration_switch(&tables, &settings, entries, 2);
}

static int synanvil_open(struct contestants *set, const struct lab *lab)
{
	struct tick tick;
	int error;

	set->synanvil = synanvil_bpf__open();
	if (!set->synanvil)
		return -errno;
	error = tick_measure(&tick);
	if (error)
		return error;
	set->synanvil->rodata->tick_scale = tick.scale;
	set->synanvil->rodata->tick_offset_ms = tick.offset_ms;
	bpf_map__set_max_entries(set->synanvil->maps.sources, table_size());
	error = synanvil_bpf__load(set->synanvil);
	return error ? error : synanvil_configure(set->synanvil->obj, lab);
}

static int synanvil_drop_open(struct contestants *set, const struct lab *lab)
{
	struct tick tick;
	int error;

	set->synanvil_drop = path_drop_synanvil_bpf__open();
	if (!set->synanvil_drop)
		return -errno;
	error = tick_measure(&tick);
	if (error)
		return error;
	set->synanvil_drop->rodata->tick_scale = tick.scale;
	set->synanvil_drop->rodata->tick_offset_ms = tick.offset_ms;
	bpf_program__set_autoload(set->synanvil_drop->progs.synanvil, false);
	bpf_map__set_max_entries(set->synanvil_drop->maps.sources, table_size());
	error = path_drop_synanvil_bpf__load(set->synanvil_drop);
	return error ? error : synanvil_configure(set->synanvil_drop->obj, lab);
}

int contestants_open(const struct lab *lab, bool drop_all, struct contestants **ret_set)
{
	struct contestants *set = calloc(1, sizeof(*set));
	int error;

	if (!set)
		return -ENOMEM;
	error = drop_all ? textbook_drop_open(set) : textbook_open(set);
	if (!error)
		error = drop_all ? synanvil_drop_open(set, lab) : synanvil_open(set, lab);
	*ret_set = set;
	return error;
}

int contestants_fd(const struct contestants *set, enum contender contender)
{
	const struct bpf_program *program;

	if (contender == TEXTBOOK)
		program = set->textbook ? set->textbook->progs.textbook
					: set->textbook_drop->progs.path_drop;
	else
		program = set->synanvil ? set->synanvil->progs.synanvil
					: set->synanvil_drop->progs.path_drop;
	return bpf_program__fd(program);
}

struct contestants *contestants_free(struct contestants *set)
{
	if (!set)
		return NULL;
	textbook_bpf__destroy(set->textbook);
	path_drop_textbook_bpf__destroy(set->textbook_drop);
	synanvil_bpf__destroy(set->synanvil);
	path_drop_synanvil_bpf__destroy(set->synanvil_drop);
	free(set);
	return NULL;
}
