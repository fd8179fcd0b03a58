/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel tables, typed. The only caller of bpf_map_* functions: decides nothing, keeps no copy,
 * logs nothing. All functions return 0 or -errno unless they say otherwise.
 */
#ifndef AGENT_TABLES_H
#define AGENT_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefix.h"
#include "synanvil/abi.h"

/* Descriptors, borrowed from the BPF object that opened them. */
struct tables {
	int active;
	int settings;
	int configured; /* array of two tries */
	int runtime;
	int blocks;
	int filters;
	int generation;
	int sources;
	int blocked_sources;
	int counters;
	int totals;
	int events;
	int connections;
	int homes;
	int live;
	int live_totals;
	struct sa_live_totals *live_head; /* live_totals, mapped; NULL: not mapped */
	unsigned cpus;                    /* possible CPUs: values in a per-CPU cell */
	uint32_t source_capacity; /* source_table_size; the table itself is larger by what the
				     kernel holds back */
	int configured_trie; /* owned: the list in the slot in force; -1 before the first switch */
};

struct exception_entry {
	struct prefix prefix;
	enum sa_exception value;
};

struct block_entry {
	struct prefix prefix;
	uint64_t expires_ms; /* already the latest of the covering blocks */
};

/* The settings in force. */
int tables_settings_read(const struct tables *tables, struct sa_settings *ret_settings);

/*
 * Writes settings and exceptions into the slot that is not in force, switches with one store, moves
 * the generation, and returns when no program run can still see the old slot. On failure what was
 * in force still is.
 */
int tables_configuration_switch(struct tables *tables, const struct sa_settings *settings,
				const struct exception_entry *entries, size_t count);

/* As above for the settings alone: the configured exceptions stay what they are (an interface came
 * or went). */
int tables_settings_switch(struct tables *tables, const struct sa_settings *settings);

/*
 * Makes the run-time trie (the block trie) hold exactly the entries, by writing what differs from
 * old; then moves the generation and waits until no program run can still act on the old state.
 * Both lists sorted by prefix_compare.
 */
int tables_runtime_replace(const struct tables *tables, const struct exception_entry *old,
			   size_t old_count, const struct exception_entry *wanted,
			   size_t wanted_count);
int tables_blocks_replace(const struct tables *tables, const struct block_entry *old,
			  size_t old_count, const struct block_entry *wanted, size_t wanted_count);

/* What the tries hold now, sorted; *ret_entries is the caller's to free. For an agent that adopts.
 */
int tables_runtime_read(const struct tables *tables, struct exception_entry **ret_entries,
			size_t *ret_count);
int tables_blocks_read(const struct tables *tables, struct block_entry **ret_entries,
		       size_t *ret_count);

/* -ENOENT where nothing is known. */
int tables_source_read(const struct tables *tables, const struct sa_source_key *key,
		       struct sa_source *ret_source);
int tables_blocked_source_read(const struct tables *tables, const struct sa_source_key *key,
			       struct sa_blocked_source *ret_source);

/*
 * One batch of the source table. cursor is opaque, zeroed before the first call. keys and values
 * have room for size entries; *ret_count says how many came. Returns 1 if there is more, 0 at the
 * end. An entry that moves meanwhile may come twice or not at all.
 */
struct tables_cursor {
	bool started;
	uint32_t home; /* of connections: the next one */
	uint8_t token[64];
};
int tables_sources_batch(const struct tables *tables, struct tables_cursor *cursor,
			 struct sa_source_key *keys, struct sa_source *values, size_t size,
			 size_t *ret_count);

/* Sums over all CPUs. rows has SA_COUNTER_ROWS entries. */
int tables_counters_read(const struct tables *tables, struct sa_counters *rows);
int tables_totals_read(const struct tables *tables, struct sa_totals *ret_totals);

/* Zeroes all rows of a service slot, before the slot is given to another service. */
int tables_counters_clear(const struct tables *tables, uint32_t service_slot);
/* The same for an interface slot, its unparsed packets included. */
int tables_interface_counters_clear(const struct tables *tables, uint32_t interface_slot);

/*
 * Live connections. What the tables say is true at every moment: the agent and the program in the
 * kernel move the same words by the same rules. tables_live_open maps them, makes new ones ready,
 * and puts right what an agent that was killed was about to count; until then all counts read as 0.
 * tables_live_close accepts tables that are not open.
 */
int tables_live_open(struct tables *tables);
void tables_live_close(struct tables *tables);

/* epoch: of the settings that source and slot come from. 0 also where memory is short. */
uint32_t tables_live_of_source(const struct tables *tables, const struct sa_source_key *source,
			       uint32_t epoch);
uint32_t tables_live_of_service(const struct tables *tables, uint32_t slot, uint32_t epoch);

/* Until when the packet path limits connections by these counts: SA_LIVE_ALWAYS, 0, or monotonic
 * milliseconds. */
void tables_live_hold(const struct tables *tables, uint64_t until_ms);
uint64_t tables_live_held(const struct tables *tables);

/* Connections so far that some table had no room for. */
uint64_t tables_live_uncounted(const struct tables *tables);

/* One more of them, which tables_connection_enter found no room for. */
void tables_live_miss(const struct tables *tables);

/*
 * What the packet path has noted of sources without a connection holds no more. Due around each
 * connection that the kernel's program did not see to open, or saw when nothing was limited:
 * always, before it is counted, has the packet path look for every source; anew, after that, lets
 * it make notes again. A switch of the settings does both by itself.
 */
void tables_live_look_always(const struct tables *tables);
void tables_live_look_anew(const struct tables *tables);

/*
 * Whether an earlier agent was killed while it counted a connection, so that one may be missing in
 * the counts of its epoch: they are to be made anew, under another one. tables_live_is_anew: that
 * is in force.
 */
bool tables_live_is_doubtful(const struct tables *tables);
void tables_live_is_anew(const struct tables *tables);

/* Says that no entry is left of an epoch before this one. */
void tables_live_epoch_kept(const struct tables *tables, uint32_t epoch);

/* Whether there is an entry: 0 or -ENOENT; other -errno. Of one that is just being made all is 0.
 */
int tables_connection_read(const struct tables *tables, const struct sa_connection_key *key,
			   struct sa_connection *ret_connection);

/* Counts a connection. -EEXIST: it is counted already; -E2BIG: the table is full. */
int tables_connection_enter(const struct tables *tables, const struct sa_connection_key *key,
			    const struct sa_connection *connection);

/* Takes back what is counted of it. -ENOENT: there is no such entry (any more). */
int tables_connection_leave(const struct tables *tables, const struct sa_connection_key *key);

/* As tables_sources_batch; it may find nothing though there is more. */
int tables_connections_batch(const struct tables *tables, struct tables_cursor *cursor,
			     struct sa_connection_key *keys, struct sa_connection *values,
			     size_t size, size_t *ret_count);

#endif
