/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel tables, live connections. Entries come and go by system calls, counts by the shared
 * rules in memory that the kernel's program moves at the same time.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "synanvil/homes.h"
#include "synanvil/live.h"
#include "tables.h"
#include "tables_homes.h"

#define HEAD_SIZE sizeof(struct sa_live_totals)

static void *map_memory(int fd, size_t size, size_t offset)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	return memory == MAP_FAILED ? NULL : memory;
}

/*
 * The page of one bucket, for as long as it is used: what is mapped of a BPF array is resident all
 * of it, 8 MB here, and the agent looks at few. Buckets do not cross pages.
 */
static struct sa_live_bucket *bucket_map(const struct tables *tables, uint32_t bucket)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t place = bucket % SA_LIVE_BUCKETS * sizeof(struct sa_live_bucket);
	char *memory = map_memory(tables->live, page, place - place % page);

	return memory ? (struct sa_live_bucket *)(void *)(memory + place % page) : NULL;
}

static void bucket_unmap(struct sa_live_bucket *bucket)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)munmap((char *)bucket - (uintptr_t)bucket % page, page);
}

/* Before the first connection is counted: a seed that changes would lose what was. */
static int seed_make(struct sa_live_totals *head)
{
	uint64_t seed = head->seed;

	while (!seed)
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			return -EIO;
	head->seed = seed;
	return 0;
}

void tables_live_close(struct tables *tables)
{
	if (tables->live_head)
		(void)munmap(tables->live_head, HEAD_SIZE);
	tables->live_head = NULL;
}

uint32_t tables_live_of_source(const struct tables *tables, const struct sa_source_key *source,
			       uint32_t epoch)
{
	struct sa_live_bucket *bucket;
	struct sa_live_place place;
	uint32_t count;

	if (!tables->live_head)
		return 0;
	place = sa_live_place(tables->live_head->seed, source, epoch);
	bucket = bucket_map(tables, place.bucket);
	if (!bucket)
		return 0;
	count = sa_live_count(bucket, place.digest);
	bucket_unmap(bucket);
	return count;
}

uint32_t tables_live_of_service(const struct tables *tables, uint32_t slot, uint32_t epoch)
{
	if (!tables->live_head || slot >= SA_SERVICE_SLOTS)
		return 0;
	return sa_live_service_count(*(volatile __u64 *)&tables->live_head->services[slot], epoch);
}

void tables_live_hold(const struct tables *tables, uint64_t until_ms)
{
	if (tables->live_head)
		*(volatile __u64 *)&tables->live_head->holds_until_ms = until_ms;
}

uint64_t tables_live_held(const struct tables *tables)
{
	return tables->live_head ? *(volatile __u64 *)&tables->live_head->holds_until_ms : 0;
}

uint64_t tables_live_uncounted(const struct tables *tables)
{
	return tables->live_head ? *(volatile __u64 *)&tables->live_head->uncounted : 0;
}

void tables_live_miss(const struct tables *tables)
{
	if (tables->live_head)
		(void)__sync_fetch_and_add(&tables->live_head->uncounted, 1);
}

void tables_live_epoch_kept(const struct tables *tables, uint32_t epoch)
{
	if (tables->live_head)
		*(volatile __u32 *)&tables->live_head->epoch_kept = epoch;
}

int tables_connection_read(const struct tables *tables, const struct sa_connection_key *key,
			   struct sa_connection *ret_connection)
{
	const int error = homes_look(tables, key, ret_connection);

	if (error != -ENOENT)
		return error;
	return bpf_map_lookup_elem(tables->connections, key, ret_connection) ? -errno : 0;
}

static struct sa_live_place place_of(const struct tables *tables,
				     const struct sa_connection_key *key,
				     const struct sa_connection *connection)
{
	return sa_live_place(tables->live_head->seed, &connection->source, key->epoch);
}

/* The kernel's program and the next agent are elsewhere: only the order of the stores matters. */
static void in_order(void)
{
	__asm__ volatile("" ::: "memory");
}

/* counted: what of it is counted already. */
static struct sa_live_intent *intent_begin(const struct tables *tables,
					   const struct sa_connection_key *key,
					   const struct sa_connection *connection, uint16_t counted)
{
	const struct sa_live_place place = place_of(tables, key, connection);
	struct sa_live_intent *intent = &tables->live_head->intent;

	*intent = (struct sa_live_intent){
		.cookie = key->cookie,
		.digest = place.digest,
		.epoch = key->epoch,
		.bucket = place.bucket,
		.slot = connection->slot,
		.counted = counted,
	};
	in_order();
	intent->under_way = 1;
	in_order();
	return intent;
}

static void intent_end(struct sa_live_intent *intent)
{
	in_order();
	intent->under_way = 0;
}

/* Says what it is going to count before it does: if it is killed then, one too few is counted. */
static void count_in(const struct tables *tables, struct sa_live_bucket *bucket,
		     struct sa_live_intent *intent)
{
	__u32 *hint = sa_live_hint(tables->live_head, intent->bucket);

	intent->counted = SA_COUNTED_SOURCE | SA_COUNTED_SERVICE;
	in_order();
	sa_live_hint_raise(hint, intent->digest);
	if (!sa_live_add(bucket, intent->digest)) {
		sa_live_hint_lower(hint);
		intent->counted &= (uint16_t)~SA_COUNTED_SOURCE;
	}
	if (!sa_live_service_add(&tables->live_head->services[intent->slot], intent->epoch))
		intent->counted &= (uint16_t)~SA_COUNTED_SERVICE;
}

static void count_out(const struct tables *tables, struct sa_live_bucket *bucket,
		      struct sa_live_intent *intent)
{
	if (intent->counted & SA_COUNTED_SOURCE && sa_live_remove(bucket, intent->digest))
		sa_live_hint_lower(sa_live_hint(tables->live_head, intent->bucket));
	intent->counted &= (uint16_t)~SA_COUNTED_SOURCE;
	in_order();
	if (intent->counted & SA_COUNTED_SERVICE)
		(void)sa_live_service_remove(&tables->live_head->services[intent->slot],
					     intent->epoch);
	intent->counted = 0;
}

/*
 * An earlier agent was killed at this. What is counted has an entry, so without one it is taken
 * back. That may be one too many, of a connection that was not counted yet or has closed since: the
 * intent stays under way, so that the counts are doubted.
 */
static int intent_recover(const struct tables *tables)
{
	struct sa_live_intent *intent = &tables->live_head->intent;
	const struct sa_connection_key key = { .cookie = intent->cookie, .epoch = intent->epoch };
	struct sa_live_bucket *bucket;
	struct sa_connection entry;

	if (!intent->under_way)
		return 0;
	intent->bucket %= SA_LIVE_BUCKETS;
	intent->slot %= SA_SERVICE_SLOTS;
	bucket = bucket_map(tables, intent->bucket);
	if (!bucket)
		return -errno;
	if (tables_connection_read(tables, &key, &entry) == -ENOENT)
		count_out(tables, bucket, intent);
	bucket_unmap(bucket);
	return 0;
}

bool tables_live_is_doubtful(const struct tables *tables)
{
	return tables->live_head && tables->live_head->intent.under_way;
}

void tables_live_is_anew(const struct tables *tables)
{
	if (tables->live_head)
		intent_end(&tables->live_head->intent);
}

int tables_live_open(struct tables *tables)
{
	int error;

	tables->live_head = map_memory(tables->live_totals, HEAD_SIZE, 0);
	if (!tables->live_head)
		return -errno;
	error = seed_make(tables->live_head);
	if (!error)
		error = intent_recover(tables);
	tables_live_look_anew(tables);
	if (error)
		tables_live_close(tables);
	return error;
}

/*
 * Counts first: the connection may close as soon as there is an entry, and the kernel takes back
 * what it says.
 */
int tables_connection_enter(const struct tables *tables, const struct sa_connection_key *key,
			    const struct sa_connection *connection)
{
	struct sa_connection entry = *connection, known;
	struct sa_live_intent *intent;
	struct sa_live_bucket *bucket;
	int error;

	if (!tables->live_head || connection->slot >= SA_SERVICE_SLOTS)
		return -EBADF;
	error = homes_look(tables, key, &known);
	if (error != -ENOENT)
		return error ? error : -EEXIST;
	error = 0;
	bucket = bucket_map(tables, place_of(tables, key, connection).bucket);
	if (!bucket)
		return -errno;
	intent = intent_begin(tables, key, connection, 0);
	count_in(tables, bucket, intent);
	entry.counted = intent->counted;
	(void)__sync_fetch_and_add(&tables->live_head->strays, 1);
	if (bpf_map_update_elem(tables->connections, key, &entry, BPF_NOEXIST)) {
		error = -errno;
		(void)__sync_fetch_and_sub(&tables->live_head->strays, 1);
		count_out(tables, bucket, intent);
	}
	intent_end(intent);
	bucket_unmap(bucket);
	if (!error && entry.counted != (SA_COUNTED_SOURCE | SA_COUNTED_SERVICE))
		tables_live_miss(tables);
	return error;
}

/*
 * word: of the home that has the entry; 0: it is in the map. An agent that is killed in between
 * leaves one stray too many noted, which costs a look.
 */
static int entry_delete(const struct tables *tables, const struct sa_connection_key *key,
			struct sa_home *home, uint64_t word)
{
	if (word)
		return __sync_bool_compare_and_swap(&home->word, word, 0) ? 0 : -ENOENT;
	if (bpf_map_delete_elem(tables->connections, key))
		return -errno;
	(void)__sync_fetch_and_sub(&tables->live_head->strays, 1);
	return 0;
}

/*
 * home: NULL where the cookie has none. An entry never changes while it is there, so what was read
 * is what was deleted.
 */
static int entry_leave(const struct tables *tables, const struct sa_connection_key *key,
		       struct sa_home *home)
{
	struct sa_live_intent *intent;
	struct sa_live_bucket *bucket;
	struct sa_connection entry;
	const uint64_t word = home ? home_find(home, key, &entry) : 0;
	int error;

	if (!word && bpf_map_lookup_elem(tables->connections, key, &entry))
		return -errno;
	bucket = bucket_map(tables, place_of(tables, key, &entry).bucket);
	if (!bucket)
		return -errno;
	entry.slot %= SA_SERVICE_SLOTS;
	intent = intent_begin(tables, key, &entry, entry.counted);
	error = entry_delete(tables, key, home, word);
	if (!error)
		count_out(tables, bucket, intent);
	intent_end(intent);
	bucket_unmap(bucket);
	return error;
}

int tables_connection_leave(const struct tables *tables, const struct sa_connection_key *key)
{
	struct sa_home *home;
	int error;

	if (!tables->live_head)
		return -EBADF;
	if (!sa_home_fits(key->cookie))
		return entry_leave(tables, key, NULL);
	home = home_map(tables, key->cookie);
	if (!home)
		return -errno;
	error = entry_leave(tables, key, home);
	home_unmap(home);
	return error;
}

int tables_connections_batch(const struct tables *tables, struct tables_cursor *cursor,
			     struct sa_connection_key *keys, struct sa_connection *values,
			     size_t size, size_t *ret_count)
{
	struct tables_cursor next = { .started = true };
	uint32_t count = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
	int error = homes_batch(tables, cursor, keys, values, size, ret_count);

	if (error || *ret_count)
		return error ? error : 1;
	next.home = cursor->home;
	if (bpf_map_lookup_batch(tables->connections, cursor->started ? cursor->token : NULL,
				 next.token, keys, values, &count, NULL))
		error = -errno;
	if (error && error != -ENOENT)
		return error;
	*cursor = next;
	*ret_count = count;
	return error ? 0 : 1;
}
