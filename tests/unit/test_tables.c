/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tables.c against tables in memory: what is written to which slot, in which order, and what a
 * failure leaves.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>

#include "tables.h"

enum { ACTIVE = 1001, SETTINGS, CONFIGURED, RUNTIME, BLOCKS, GENERATION, SOURCES, FILTERS };

#define NODES_MAX 256
#define TRACE_MAX 64

struct node {
	struct sa_prefix key;
	uint64_t value;
};

/* The tables, what was done to them ("s" settings, "c" list, "f" filter, "a" index, "g"
 * generation), and when to fail. */
static struct {
	uint32_t active;
	struct sa_settings settings[2];
	int configured[2];
	uint64_t generation;
	struct sa_filter filters[SA_FILTERS];
	struct node nodes[NODES_MAX];
	size_t node_count;
	size_t trie_writes, trie_deletes;
	char trace[TRACE_MAX];
	char fail;
} kernel;

static void trace(char what)
{
	size_t length = strlen(kernel.trace);

	if (length + 1 < sizeof(kernel.trace))
		kernel.trace[length] = what;
}

static struct node *node_find(const struct sa_prefix *key)
{
	for (size_t i = 0; i < kernel.node_count; i++)
		if (memcmp(&kernel.nodes[i].key, key, sizeof(*key)) == 0)
			return &kernel.nodes[i];
	return NULL;
}

static void node_write(int fd, const void *key, const void *value)
{
	struct node *node = node_find(key);

	if (!node)
		node = &kernel.nodes[kernel.node_count++];
	assert_true(kernel.node_count <= NODES_MAX);
	*node = (struct node){ .key = *(const struct sa_prefix *)key };
	memcpy(&node->value, value, fd == BLOCKS ? sizeof(struct sa_block) : sizeof(uint32_t));
	kernel.trie_writes++;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	const uint32_t index = *(const uint32_t *)key;
	const char what = fd == ACTIVE       ? 'a'
			  : fd == SETTINGS   ? 's'
			  : fd == CONFIGURED ? 'c'
			  : fd == GENERATION ? 'g'
			  : fd == FILTERS    ? 'f'
					     : 't';

	(void)flags;
	if (kernel.fail == what) {
		errno = ENOMEM;
		return -ENOMEM;
	}
	if (what != 't')
		trace(what);
	if (fd == ACTIVE)
		kernel.active = *(const uint32_t *)value;
	else if (fd == SETTINGS)
		kernel.settings[index] = *(const struct sa_settings *)value;
	else if (fd == CONFIGURED)
		kernel.configured[index] = *(const int *)value;
	else if (fd == GENERATION)
		kernel.generation = *(const uint64_t *)value;
	else if (fd == FILTERS)
		kernel.filters[index] = *(const struct sa_filter *)value;
	else
		node_write(fd, key, value);
	return 0;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	const uint32_t index = *(const uint32_t *)key;

	if (fd == ACTIVE)
		*(uint32_t *)value = kernel.active;
	else if (fd == SETTINGS)
		*(struct sa_settings *)value = kernel.settings[index];
	else if (fd == FILTERS)
		*(struct sa_filter *)value = kernel.filters[index];
	else
		fail_msg("look-up in table %d", fd);
	return 0;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	struct node *node = node_find(key);

	assert_true(fd == RUNTIME || fd == BLOCKS);
	if (!node) {
		errno = ENOENT;
		return -ENOENT;
	}
	*node = kernel.nodes[--kernel.node_count];
	kernel.trie_deletes++;
	return 0;
}

int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size, __u32 value_size,
		   __u32 entries, const struct bpf_map_create_opts *options)
{
	(void)name, (void)options;
	assert_int_equal(type, BPF_MAP_TYPE_LPM_TRIE);
	assert_int_equal(key_size, sizeof(struct sa_prefix));
	assert_int_equal(value_size, sizeof(uint32_t));
	assert_int_equal(entries, SA_PREFIXES_MAX);
	kernel.node_count = 0;
	return dup(STDOUT_FILENO);
}

static struct tables setup(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.configured[0] = kernel.configured[1] = -1;
	return (struct tables){ .active = ACTIVE,
				.settings = SETTINGS,
				.configured = CONFIGURED,
				.runtime = RUNTIME,
				.blocks = BLOCKS,
				.generation = GENERATION,
				.sources = SOURCES,
				.filters = FILTERS,
				.cpus = 2,
				.configured_trie = -1 };
}

static struct exception_entry exception(const char *text, enum sa_exception value)
{
	struct exception_entry entry = { .value = value };

	assert_int_equal(prefix_parse(text, strlen(text), PREFIX_ANY, &entry.prefix), PREFIX_OK);
	return entry;
}

static void switch_order(void **state)
{
	struct tables tables = setup();
	const struct sa_settings one = { .rate_unit_ms = 1 }, two = { .rate_unit_ms = 2 };
	const struct exception_entry entries[] = { exception("10.0.0.0/8", SA_EXCEPTION_EXEMPT),
						   exception("10.1.0.0/16",
							     SA_EXCEPTION_NOT_EXEMPT) };
	struct sa_settings read;
	uint64_t generation;

	(void)state;
	assert_int_equal(tables_configuration_switch(&tables, &one, entries, 2), 0);
	assert_string_equal(kernel.trace, "gscfag");
	assert_int_equal(kernel.active, 1);
	assert_int_equal(kernel.node_count, 2);
	assert_int_equal(kernel.configured[1], tables.configured_trie);
	assert_true(kernel.generation != 0);
	assert_int_equal(tables_settings_read(&tables, &read), 0);
	assert_int_equal(read.rate_unit_ms, 1);
	generation = kernel.generation;
	assert_int_equal(tables_configuration_switch(&tables, &two, NULL, 0), 0);
	assert_int_equal(kernel.active, 0);
	assert_int_equal(kernel.settings[1].rate_unit_ms, 1);
	assert_int_equal(kernel.settings[0].rate_unit_ms, 2);
	assert_int_equal(kernel.node_count, 0);
	assert_true(kernel.generation != generation);
	(void)close(tables.configured_trie);
}

static void settings_alone_keep_the_list(void **state)
{
	struct tables tables = setup();
	const struct sa_settings one = { .rate_unit_ms = 1 }, two = { .rate_unit_ms = 2 };
	const struct exception_entry entry = exception("10.0.0.0/8", SA_EXCEPTION_EXEMPT);

	(void)state;
	assert_int_equal(tables_settings_switch(&tables, &one), -EBADF);
	assert_int_equal(tables_configuration_switch(&tables, &one, &entry, 1), 0);
	assert_int_equal(tables_settings_switch(&tables, &two), 0);
	assert_int_equal(kernel.active, 0);
	assert_int_equal(kernel.configured[0], kernel.configured[1]);
	assert_int_equal(kernel.settings[0].rate_unit_ms, 2);
	(void)close(tables.configured_trie);
}

static void failed_switch_changes_nothing(void **state)
{
	static const char failures[] = "tsca";
	const struct sa_settings one = { .rate_unit_ms = 1 }, two = { .rate_unit_ms = 2 };
	const struct exception_entry entry = exception("10.0.0.0/8", SA_EXCEPTION_EXEMPT);

	(void)state;
	for (size_t i = 0; i < strlen(failures); i++) {
		struct tables tables = setup();
		struct sa_settings read;
		int trie;

		assert_int_equal(tables_configuration_switch(&tables, &one, &entry, 1), 0);
		trie = tables.configured_trie;
		kernel.fail = failures[i];
		assert_int_equal(tables_configuration_switch(&tables, &two, &entry, 1), -ENOMEM);
		assert_int_equal(tables_settings_read(&tables, &read), 0);
		assert_int_equal(read.rate_unit_ms, 1);
		assert_int_equal(kernel.configured[kernel.active], trie);
		assert_int_equal(tables.configured_trie, trie);
		(void)close(trie);
	}
}

static void replace_writes_the_difference(void **state)
{
	struct tables tables = setup();
	const struct exception_entry old[] = { exception("10.0.0.0/8", SA_EXCEPTION_EXEMPT),
					       exception("10.1.0.0/16", SA_EXCEPTION_EXEMPT),
					       exception("192.0.2.0/24", SA_EXCEPTION_EXEMPT) };
	const struct exception_entry wanted[] = { exception("10.0.0.0/8", SA_EXCEPTION_EXEMPT),
						  exception("172.16.0.0/12", SA_EXCEPTION_EXEMPT),
						  exception("192.0.2.0/24", SA_EXCEPTION_NONE) };
	struct sa_prefix key;

	(void)state;
	assert_int_equal(tables_runtime_replace(&tables, NULL, 0, old, 3), 0);
	assert_int_equal(kernel.trie_writes, 3);
	assert_string_equal(kernel.trace, "ffg");
	assert_int_equal(tables_runtime_replace(&tables, old, 3, wanted, 3), 0);
	assert_int_equal(kernel.trie_writes, 5);
	assert_int_equal(kernel.trie_deletes, 1);
	assert_int_equal(kernel.node_count, 3);
	for (size_t i = 0; i < 3; i++) {
		prefix_key(&wanted[i].prefix, &key);
		assert_non_null(node_find(&key));
		assert_int_equal(node_find(&key)->value, wanted[i].value);
	}
	assert_int_equal(tables_runtime_replace(&tables, wanted, 3, NULL, 0), 0);
	assert_int_equal(kernel.node_count, 0);
}

static struct block_entry random_block(unsigned *seed)
{
	struct block_entry entry = { .expires_ms = (uint64_t)rand_r(seed) % 3 };

	entry.prefix.length = 128;
	entry.prefix.address[15] = (uint8_t)(rand_r(seed) % 40);
	return entry;
}

/* Sorted, without duplicates. */
static size_t random_list(struct block_entry *list, size_t size, unsigned *seed)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		list[i] = random_block(seed);
	qsort(list, size, sizeof(*list), prefix_compare);
	for (size_t i = 0; i < size; i++)
		if (!count || prefix_compare(&list[count - 1], &list[i]) != 0)
			list[count++] = list[i];
	return count;
}

static void any_list_becomes_any_other(void **state)
{
	struct tables tables = setup();
	struct block_entry lists[2][30];
	size_t counts[2] = {};
	unsigned seed = 4711;

	(void)state;
	for (unsigned round = 1; round < 500; round++) {
		struct block_entry *old = lists[(round + 1) % 2], *wanted = lists[round % 2];
		size_t old_count = counts[(round + 1) % 2];

		counts[round % 2] = random_list(wanted, (size_t)rand_r(&seed) % 30, &seed);
		assert_int_equal(
			tables_blocks_replace(&tables, old, old_count, wanted, counts[round % 2]),
			0);
		assert_int_equal(kernel.node_count, counts[round % 2]);
		for (size_t i = 0; i < counts[round % 2]; i++) {
			struct sa_prefix key;

			prefix_key(&wanted[i].prefix, &key);
			assert_non_null(node_find(&key));
			assert_int_equal(node_find(&key)->value, wanted[i].expires_ms);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(switch_order),
		cmocka_unit_test(settings_alone_keep_the_list),
		cmocka_unit_test(failed_switch_changes_nothing),
		cmocka_unit_test(replace_writes_the_difference),
		cmocka_unit_test(any_list_becomes_any_other),
	};

	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
