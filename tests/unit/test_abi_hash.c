/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi_hash.c on the packet path's own object: the same twice, and different for each thing that may
 * not differ between a table and the program that reads it. Opens the object, loads nothing: needs
 * no privileges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/btf.h>

#include "abi_hash.h"
#include "checked.skel.h"
#include "synanvil.skel.h"

static struct synanvil_bpf *open_object(void)
{
	struct synanvil_bpf *object = synanvil_bpf__open();

	assert_non_null(object);
	return object;
}

static uint64_t hash_of_untouched(void)
{
	struct synanvil_bpf *object = open_object();
	uint64_t hash = abi_hash(object->obj);

	synanvil_bpf__destroy(object);
	return hash;
}

/* The object's own copy of a struct's members, to be spoiled. */
static struct btf_member *members_of(struct synanvil_bpf *object, const char *name,
				     uint16_t *ret_count)
{
	const struct btf *btf = bpf_object__btf(object->obj);
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	struct btf_type *type;

	assert_true(id > 0);
	type = (struct btf_type *)btf__type_by_id(btf, (uint32_t)id);
	*ret_count = btf_vlen(type);
	return btf_members(type);
}

static void assert_differs(struct synanvil_bpf *object)
{
	uint64_t hash = abi_hash(object->obj);

	synanvil_bpf__destroy(object);
	assert_true(hash != hash_of_untouched());
}

static void same_twice(void **state)
{
	(void)state;
	assert_true(hash_of_untouched() == hash_of_untouched());
}

/* An agent with CAP_PERFMON takes over from one without, and the other way round. */
static void same_in_both_builds(void **state)
{
	struct checked_bpf *checked = checked_bpf__open();

	(void)state;
	assert_non_null(checked);
	assert_true(abi_hash(checked->obj) == hash_of_untouched());
	checked_bpf__destroy(checked);
}

static void table_size(void **state)
{
	struct synanvil_bpf *object = open_object();

	(void)state;
	assert_int_equal(bpf_map__set_max_entries(object->maps.sources, 4711), 0);
	assert_differs(object);
}

static void map_definition(void **state)
{
	struct synanvil_bpf *object = open_object();

	(void)state;
	assert_int_equal(bpf_map__set_map_flags(object->maps.blocks, 0), 0);
	assert_differs(object);
	object = open_object();
	assert_int_equal(bpf_map__set_type(object->maps.sources, BPF_MAP_TYPE_HASH), 0);
	assert_differs(object);
	object = open_object();
	assert_int_equal(bpf_map__set_value_size(object->maps.runtime, 8), 0);
	assert_differs(object);
}

/* Same size, same offsets, other meaning: what the kernel itself lets pass. */
static void swapped_fields(void **state)
{
	static const char *const structs[] = { "sa_settings", "sa_service", "sa_source", "sa_block",
					       "sa_source_key" };

	(void)state;
	for (size_t i = 0; i < sizeof(structs) / sizeof(structs[0]); i++) {
		struct synanvil_bpf *object = open_object();
		struct btf_member *members;
		uint16_t count;
		uint32_t name;

		members = members_of(object, structs[i], &count);
		name = members[0].name_off;
		members[0].name_off = members[count - 1].name_off;
		members[count - 1].name_off = count > 1 ? name : 0;
		assert_differs(object);
	}
}

static void moved_field(void **state)
{
	struct synanvil_bpf *object = open_object();
	struct btf_member *members;
	uint16_t count;

	(void)state;
	members = members_of(object, "sa_settings", &count);
	members[count - 2].offset += 32;
	assert_differs(object);
}

static void length_of_array(void **state)
{
	struct synanvil_bpf *object = open_object();
	const struct btf *btf = bpf_object__btf(object->obj);
	struct btf_member *members;
	struct btf_array *array;
	uint16_t count;

	(void)state;
	members = members_of(object, "sa_counters", &count);
	array = btf_array((struct btf_type *)btf__type_by_id(btf, members[0].type));
	array->nelems++;
	assert_differs(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_twice),      cmocka_unit_test(same_in_both_builds),
		cmocka_unit_test(table_size),      cmocka_unit_test(map_definition),
		cmocka_unit_test(swapped_fields),  cmocka_unit_test(moved_field),
		cmocka_unit_test(length_of_array),
	};

	return cmocka_run_group_tests_name("abi_hash", tests, NULL, NULL);
}
