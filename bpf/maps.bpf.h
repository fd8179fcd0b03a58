/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every map, with its one writer. Policy maps are the agent's: the packet path only reads them.
 * State maps are the packet path's: the agent only reads them.
 */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "synanvil/abi.h"

/* Index, 0 or 1, of the settings and the configured exceptions in force. Writer: the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} active SEC(".maps");

/* Writer: the agent, and only the one that is not in force. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct sa_settings);
} settings SEC(".maps");

/* Sizes instead of types: clang leaves the types of a named map definition incomplete in BTF. */
struct exception_trie {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SA_PREFIXES_MAX);
	__uint(key_size, sizeof(struct sa_prefix));
	__uint(value_size, sizeof(__u32)); /* enum sa_exception */
};

/* smtpd_client_event_limit_exceptions, compiled. An empty slot is an empty list. Writer: the agent,
 * as settings. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct exception_trie);
} configured SEC(".maps");

/* Exceptions added at run time; they win over the configured ones. Writer: the agent. */
struct exception_trie runtime SEC(".maps");

/* Blocks. Writer: the agent; they end by themselves. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SA_PREFIXES_MAX);
	__type(key, struct sa_prefix);
	__type(value, struct sa_block);
} blocks SEC(".maps");

/* What the tries could match, in front of each: enum sa_filter_row. Writer: the agent, with the
 * trie. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SA_FILTERS);
	__type(key, __u32);
	__type(value, struct sa_filter);
} filters SEC(".maps");

/*
 * A random non-zero number that changes after each change of the three tries: what a source's entry
 * says about them holds only as long as it was said under the same number. Writer: the agent.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} generation SEC(".maps");

/* Attempts by source and service; evicts the least recently seen. Size: set at load. Writer:
 * account.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1048576);
	__type(key, struct sa_source_key);
	__type(value, struct sa_source);
} sources SEC(".maps");

/* Addresses that go on though their source is over its limit: a cache in front of sources. Writer:
 * spent.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SA_SPENT_LINES);
	__type(key, __u32);
	__type(value, struct sa_spent_line);
} spent SEC(".maps");

/* What stands in spent, in 64 KB: a flood of new sources misses here, not in memory. Writer:
 * spent.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SA_SPENT_LINES / SA_SPENT_HINTED);
	__type(key, __u32);
	__type(value, struct sa_spent_hints);
} spent_hints SEC(".maps");

/* Drops by blocked source and service; evicts. Writer: account.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SA_BLOCKED_SOURCES_MAX);
	__type(key, struct sa_source_key);
	__type(value, struct sa_blocked_source);
} blocked_sources SEC(".maps");

/* Attempts by interface, service, family and outcome. Writer: verdict.bpf.h; the agent clears rows
 * nobody uses. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SA_COUNTER_ROWS);
	__type(key, __u32);
	__type(value, struct sa_counters);
} counters SEC(".maps");

/* Writers: verdict.bpf.h and account.bpf.h, each its fields. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sa_totals);
} totals SEC(".maps");

/* Live connections in the homes of their cookies. Mapped by the agent. Writers: connections.bpf.c,
 * and the agent, which only removes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SA_HOMES);
	__type(key, __u32);
	__type(value, struct sa_home);
} homes SEC(".maps");

/* Live connections that are not at home, by cookie; evicts nothing, and its memory is there from
 * the start. Writers: connections.bpf.c and the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SA_CONNECTIONS_MAX);
	__type(key, struct sa_connection_key);
	__type(value, struct sa_connection);
} connections SEC(".maps");

/* Live counts by source. Mapped by the agent, which writes by the same rules. Writers: live.bpf.h
 * and the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SA_LIVE_BUCKETS);
	__type(key, __u32);
	__type(value, struct sa_live_bucket);
} live SEC(".maps");

/* Writers: as of live. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sa_live_totals);
} live_totals SEC(".maps");

/* struct sa_event. Writer: verdict.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SA_EVENTS_BYTES);
} events SEC(".maps");

#endif
