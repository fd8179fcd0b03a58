/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tables_homes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "synanvil/homes.h"

/* A piece that a walk maps: a multiple of each size that pages have. */
#define PIECE_SIZE  65536
#define PIECE_HOMES (PIECE_SIZE / sizeof(struct sa_home))

int homes_look(const struct tables *tables, const struct sa_connection_key *key,
	       struct sa_connection *ret_connection)
{
	const uint32_t index = sa_home_index(key->cookie);
	struct sa_home home;

	if (!sa_home_fits(key->cookie))
		return -ENOENT;
	if (bpf_map_lookup_elem(tables->homes, &index, &home))
		return -errno;
	*ret_connection = (struct sa_connection){ 0 };
	if (home.word == sa_home_making(key->cookie))
		return 0;
	if (!sa_home_is_of(home.word, key->cookie) || home.epoch != key->epoch)
		return -ENOENT;
	*ret_connection = (struct sa_connection){ .source = home.source,
						  .slot = sa_home_slot(home.word),
						  .counted = sa_home_counted(home.word) };
	return 0;
}

struct sa_home *home_map(const struct tables *tables, uint64_t cookie)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t place = sa_home_index(cookie) * sizeof(struct sa_home);
	char *memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, tables->homes,
			    (off_t)(place - place % page));

	if (memory == MAP_FAILED)
		return NULL;
	return (struct sa_home *)(void *)(memory + place % page);
}

void home_unmap(struct sa_home *home)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)munmap((char *)home - (uintptr_t)home % page, page);
}

/*
 * What a home says, of one moment: the word is the same before and after the rest is read. 0 where
 * nobody is at home, or is still being entered.
 */
static uint64_t home_read(const struct sa_home *home, struct sa_connection_key *ret_key,
			  struct sa_connection *ret_connection)
{
	const uint64_t word = __atomic_load_n(&home->word, __ATOMIC_ACQUIRE);

	if (!word || word & SA_HOME_BEING_MADE)
		return 0;
	*ret_key = (struct sa_connection_key){ .cookie = word >> SA_HOME_COOKIE_SHIFT,
					       .epoch = home->epoch };
	*ret_connection = (struct sa_connection){ .source = home->source,
						  .slot = sa_home_slot(word),
						  .counted = sa_home_counted(word) };
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&home->word, __ATOMIC_RELAXED) == word ? word : 0;
}

uint64_t home_find(const struct sa_home *home, const struct sa_connection_key *key,
		   struct sa_connection *ret_connection)
{
	struct sa_connection_key found;
	const uint64_t word = home_read(home, &found, ret_connection);

	return word && found.cookie == key->cookie && found.epoch == key->epoch ? word : 0;
}

int homes_batch(const struct tables *tables, struct tables_cursor *cursor,
		struct sa_connection_key *keys, struct sa_connection *values, size_t size,
		size_t *ret_count)
{
	size_t count = 0;

	while (cursor->home < SA_HOMES && count < size) {
		const size_t first = cursor->home / PIECE_HOMES;
		struct sa_home *piece = mmap(NULL, PIECE_SIZE, PROT_READ, MAP_SHARED, tables->homes,
					     (off_t)(first * PIECE_SIZE));

		if (piece == MAP_FAILED)
			return -errno;
		do
			if (home_read(&piece[cursor->home++ % PIECE_HOMES], &keys[count],
				      &values[count]))
				count++;
		while (cursor->home % PIECE_HOMES && count < size);
		(void)munmap(piece, PIECE_SIZE);
	}
	*ret_count = count;
	return 0;
}
