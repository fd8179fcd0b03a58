/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel tables: settings, tries and what has been counted. See tables.h; writing order is the
 * point of this file.
 */
#include "tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/membarrier.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "filter.h"

static const uint32_t first = 0;

/*
 * Returns once every run of the program that was under way has ended: a run holds the RCU read
 * lock. Where nohz_full rules out membarrier, putting a trie into its slot again does it: the
 * kernel waits likewise before that returns.
 */
static int wait_for_packets(const struct tables *tables)
{
	uint32_t index;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
		return 0;
	if (tables->configured_trie < 0)
		return -errno;
	if (bpf_map_lookup_elem(tables->active, &first, &index))
		return -errno;
	if (bpf_map_update_elem(tables->configured, &index, &tables->configured_trie, BPF_ANY))
		return -errno;
	return 0;
}

static int random_nonzero(uint64_t *ret_number)
{
	uint64_t number = 0;

	while (!number)
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			return -EIO;
	*ret_number = number;
	return 0;
}

/* From here on no source's entry is taken to know what the tries say. */
static int generation_move(const struct tables *tables)
{
	uint64_t fresh;
	int error = random_nonzero(&fresh);

	if (error)
		return error;
	return bpf_map_update_elem(tables->generation, &first, &fresh, BPF_ANY) ? -errno : 0;
}

/*
 * Until the generation moves, nothing that was noted before is believed, and nothing is noted. Else
 * the new settings would meet what was noted under the old list, and judge as neither of the two
 * configurations does.
 */
static int generation_forget(const struct tables *tables)
{
	const uint64_t unknown = 0;

	return bpf_map_update_elem(tables->generation, &first, &unknown, BPF_ANY) ? -errno : 0;
}

static int active_read(const struct tables *tables, uint32_t *ret_index)
{
	uint32_t index;

	if (bpf_map_lookup_elem(tables->active, &first, &index))
		return -errno;
	*ret_index = index & 1;
	return 0;
}

int tables_settings_read(const struct tables *tables, struct sa_settings *ret_settings)
{
	struct sa_settings settings;
	uint32_t index = 0;
	int error = active_read(tables, &index);

	if (error)
		return error;
	if (bpf_map_lookup_elem(tables->settings, &index, &settings))
		return -errno;
	*ret_settings = settings;
	return 0;
}

static int trie_new(const struct exception_entry *entries, size_t count, int *ret_trie)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	_cleanup_close_ int trie = -1;

	trie = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "exceptions", sizeof(struct sa_prefix),
			      sizeof(uint32_t), SA_PREFIXES_MAX, &options);
	if (trie < 0)
		return -errno;
	for (size_t i = 0; i < count; i++) {
		struct sa_prefix key;
		uint32_t value = entries[i].value;

		prefix_key(&entries[i].prefix, &key);
		if (bpf_map_update_elem(trie, &key, &value, BPF_ANY))
			return -errno;
	}
	*ret_trie = TAKE_FD(trie);
	return 0;
}

static int filter_write(const struct tables *tables, uint32_t row, const struct sa_filter *filter)
{
	return bpf_map_update_elem(tables->filters, &row, filter, BPF_ANY) ? -errno : 0;
}

/* Where the note is kept while none holds: the packet path reads the bits below. */
#define NOTE_KEPT_SHIFT 8

void tables_live_look_always(const struct tables *tables)
{
	volatile __u32 *note;

	if (!tables->live_head)
		return;
	note = &tables->live_head->note;
	if (*note & SA_PENDING_NOTE_MASK)
		*note = *note << NOTE_KEPT_SHIFT;
}

/* 1 to 255 in turn. A source whose entry was left alone for as many changes is believed to be as
 * before; its next connection that opens puts that right. */
void tables_live_look_anew(const struct tables *tables)
{
	volatile __u32 *note;
	__u32 last;

	if (!tables->live_head)
		return;
	note = &tables->live_head->note;
	last = *note & SA_PENDING_NOTE_MASK ? *note : *note >> NOTE_KEPT_SHIFT;
	*note = (last & SA_PENDING_NOTE_MASK) % SA_PENDING_NOTE_MASK + 1;
}

/*
 * The program reads "active" before the generation. So the generation moves only after the runs
 * that saw the old index have ended: one of them could else note under the new generation what the
 * old list said.
 */
static int slot_switch(const struct tables *tables, const struct sa_settings *settings, int trie,
		       const struct sa_filter *filter)
{
	uint32_t index = 0, other;
	int error = active_read(tables, &index);

	if (error)
		return error;
	other = !index;
	if (bpf_map_update_elem(tables->settings, &other, settings, BPF_ANY))
		return -errno;
	/* Linux returns from this only after every run under way has ended (map in map), so a
	   generation that was cleared before is seen by all who will see the new index, on CPUs
	   that reorder stores too. */
	if (bpf_map_update_elem(tables->configured, &other, &trie, BPF_ANY))
		return -errno;
	error = filter_write(tables, SA_FILTER_CONFIGURED + other, filter);
	if (error)
		return error;
	/* A connection that opened at a service without limits has left its source's note alone. */
	tables_live_look_always(tables);
	if (bpf_map_update_elem(tables->active, &first, &other, BPF_ANY))
		error = -errno;
	else
		error = wait_for_packets(tables);
	if (error)
		(void)bpf_map_update_elem(tables->active, &first, &index, BPF_ANY);
	tables_live_look_anew(tables);
	return error;
}

int tables_configuration_switch(struct tables *tables, const struct sa_settings *settings,
				const struct exception_entry *entries, size_t count)
{
	_cleanup_close_ int trie = -1;
	struct sa_filter filter = {};
	int error = trie_new(entries, count, &trie), moved;

	for (size_t i = 0; i < count; i++)
		if (entries[i].value != SA_EXCEPTION_NONE)
			filter_add(&filter, &entries[i].prefix);
	if (error)
		return error;
	error = generation_forget(tables);
	if (!error)
		error = slot_switch(tables, settings, trie, &filter);
	moved = generation_move(tables);
	if (error)
		return error;
	if (tables->configured_trie >= 0)
		(void)close(tables->configured_trie);
	tables->configured_trie = TAKE_FD(trie);
	return moved;
}

int tables_settings_switch(struct tables *tables, const struct sa_settings *settings)
{
	struct sa_filter filter;
	uint32_t row = 0;
	int error = active_read(tables, &row);

	if (error)
		return error;
	if (tables->configured_trie < 0)
		return -EBADF;
	row += SA_FILTER_CONFIGURED;
	if (bpf_map_lookup_elem(tables->filters, &row, &filter))
		return -errno;
	return slot_switch(tables, settings, tables->configured_trie, &filter);
}

/* What differs between the tries that the agent keeps equal to a list: both entries begin with
 * their prefix. */
union trie_value {
	uint32_t exception;
	struct sa_block block;
	uint64_t bits;
};

struct trie {
	int fd;
	enum sa_filter_row row;
	size_t entry_size;
	union trie_value (*value)(const void *entry);
};

struct trie_list {
	const void *entries;
	size_t count;
};

static union trie_value exception_value(const void *entry)
{
	union trie_value value = { .bits = 0 };

	value.exception = ((const struct exception_entry *)entry)->value;
	return value;
}

static union trie_value block_value(const void *entry)
{
	return (union trie_value){ .block.expires_ms =
					   ((const struct block_entry *)entry)->expires_ms };
}

static const void *entry_at(const struct trie *trie, const struct trie_list *list, size_t i)
{
	return (const char *)list->entries + i * trie->entry_size;
}

static int entry_write(const struct trie *trie, const void *entry)
{
	union trie_value value = trie->value(entry);
	struct sa_prefix key;

	prefix_key(entry, &key);
	return bpf_map_update_elem(trie->fd, &key, &value, BPF_ANY) ? -errno : 0;
}

static int entry_remove(const struct trie *trie, const void *entry)
{
	struct sa_prefix key;

	prefix_key(entry, &key);
	return bpf_map_delete_elem(trie->fd, &key) && errno != ENOENT ? -errno : 0;
}

/* As prefix_compare; a list that has ended sorts last. */
static int entries_compare(const struct trie *trie, const struct trie_list *a,
			   const struct trie_list *b, size_t i, size_t j)
{
	if (i >= a->count)
		return 1;
	if (j >= b->count)
		return -1;
	return prefix_compare(entry_at(trie, a, i), entry_at(trie, b, j));
}

static int trie_add_new(const struct trie *trie, const struct trie_list *old,
			const struct trie_list *wanted)
{
	int error = 0;

	for (size_t i = 0, j = 0; j < wanted->count && !error;) {
		int order = entries_compare(trie, old, wanted, i, j);
		const void *entry = entry_at(trie, wanted, j);

		if (order > 0 || (order == 0 && trie->value(entry_at(trie, old, i)).bits !=
							trie->value(entry).bits))
			error = entry_write(trie, entry);
		i += order <= 0;
		j += order >= 0;
	}
	return error;
}

static int trie_remove_old(const struct trie *trie, const struct trie_list *old,
			   const struct trie_list *wanted)
{
	int error = 0;

	for (size_t i = 0, j = 0; i < old->count && !error;) {
		int order = entries_compare(trie, old, wanted, i, j);

		if (order < 0)
			error = entry_remove(trie, entry_at(trie, old, i));
		i += order <= 0;
		j += order >= 0;
	}
	return error;
}

/* A value without effect, the none node's, needs no bit: it only keeps others from matching. */
static void filter_add_list(struct sa_filter *filter, const struct trie *trie,
			    const struct trie_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (trie->value(entry_at(trie, list, i)).bits)
			filter_add(filter, entry_at(trie, list, i));
}

/*
 * First what is added, then what goes: no address is judged by less than what the old or the new
 * list says. The filter lets both through meanwhile.
 */
static int trie_replace(const struct tables *tables, const struct trie *trie,
			const struct trie_list *old, const struct trie_list *wanted)
{
	struct sa_filter both = {}, after = {};
	int error;

	filter_add_list(&after, trie, wanted);
	both = after;
	filter_add_list(&both, trie, old);
	error = filter_write(tables, trie->row, &both);
	if (!error)
		error = trie_add_new(trie, old, wanted);
	if (!error)
		error = trie_remove_old(trie, old, wanted);
	if (!error)
		error = filter_write(tables, trie->row, &after);
	if (!error)
		error = generation_move(tables);
	return error ? error : wait_for_packets(tables);
}

int tables_runtime_replace(const struct tables *tables, const struct exception_entry *old,
			   size_t old_count, const struct exception_entry *wanted,
			   size_t wanted_count)
{
	const struct trie trie = { tables->runtime, SA_FILTER_RUNTIME, sizeof(*wanted),
				   exception_value };

	return trie_replace(tables, &trie, &(struct trie_list){ old, old_count },
			    &(struct trie_list){ wanted, wanted_count });
}

int tables_blocks_replace(const struct tables *tables, const struct block_entry *old,
			  size_t old_count, const struct block_entry *wanted, size_t wanted_count)
{
	const struct trie trie = { tables->blocks, SA_FILTER_BLOCKS, sizeof(*wanted), block_value };

	return trie_replace(tables, &trie, &(struct trie_list){ old, old_count },
			    &(struct trie_list){ wanted, wanted_count });
}
