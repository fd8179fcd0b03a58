/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FNV-1a over a walk of the maps and of the BTF types of their keys and values. The maps' hashes
 * are added up: the compiler puts maps in the order in which the code first names them, which means
 * nothing. A collision would need a change of layout that hashes alike by chance (1 in 2^64); it is
 * no defence against a forged pin, which root alone could place.
 */
#include "abi_hash.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "synanvil/abi.h"

#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME  0x100000001b3ULL

/* Types nest a few levels; a deeper walk is a cycle through something that no map value may hold.
 */
#define DEPTH_MAX 16

static void hash_bytes(uint64_t *hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*hash = (*hash ^ ((const uint8_t *)bytes)[i]) * FNV_PRIME;
}

static void hash_number(uint64_t *hash, uint64_t number)
{
	hash_bytes(hash, &number, sizeof(number));
}

static void hash_text(uint64_t *hash, const char *text)
{
	if (text)
		hash_bytes(hash, text, strlen(text) + 1);
}

static void hash_type(uint64_t *hash, const struct btf *btf, uint32_t id, unsigned depth);

static void hash_members(uint64_t *hash, const struct btf *btf, const struct btf_type *type,
			 unsigned depth)
{
	const struct btf_member *members = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		hash_text(hash, btf__name_by_offset(btf, members[i].name_off));
		hash_number(hash, btf_member_bit_offset(type, i));
		hash_type(hash, btf, members[i].type, depth + 1);
	}
}

/* By what a type means, not by the name that it goes under: __u32 is a typedef of different names
 * elsewhere. */
static void hash_type(uint64_t *hash, const struct btf *btf, uint32_t id, unsigned depth)
{
	const struct btf_type *type;
	int64_t size;

	while ((type = btf__type_by_id(btf, id)) && (btf_is_typedef(type) || btf_is_mod(type)))
		id = type->type;
	if (!type || depth > DEPTH_MAX)
		return;
	size = btf__resolve_size(btf, id);
	hash_number(hash, btf_kind(type));
	hash_number(hash, (uint64_t)size);
	if (btf_is_composite(type))
		hash_members(hash, btf, type, depth);
	if (btf_is_array(type)) {
		hash_number(hash, btf_array(type)->nelems);
		hash_type(hash, btf, btf_array(type)->type, depth + 1);
	}
}

static uint64_t map_hash(const struct btf *btf, const struct bpf_map *map)
{
	uint64_t hash = FNV_OFFSET;

	hash_text(&hash, bpf_map__name(map));
	hash_number(&hash, bpf_map__type(map));
	hash_number(&hash, bpf_map__key_size(map));
	hash_number(&hash, bpf_map__value_size(map));
	hash_number(&hash, bpf_map__max_entries(map));
	hash_number(&hash, bpf_map__map_flags(map));
	if (bpf_map__btf_key_type_id(map))
		hash_type(&hash, btf, bpf_map__btf_key_type_id(map), 0);
	if (bpf_map__btf_value_type_id(map))
		hash_type(&hash, btf, bpf_map__btf_value_type_id(map), 0);
	return hash;
}

uint64_t abi_hash(const struct bpf_object *object)
{
	/* What no layout shows: how words and row numbers are made up. */
	static const uint64_t meanings[] = { SA_ABI_VERSION,     SA_REASONS,       SA_COUNT_BITS,
					     SA_INTERFACE_SLOTS, SA_SERVICE_SLOTS, SA_FAMILIES };
	const struct btf *btf = bpf_object__btf(object);
	uint64_t hash = FNV_OFFSET;
	const struct bpf_map *map;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		hash_number(&hash, meanings[i]);
	bpf_object__for_each_map(map, object)
	{
		if (!bpf_map__is_internal(map))
			hash += map_hash(btf, map);
	}
	return hash;
}
