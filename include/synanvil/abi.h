/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every struct that crosses a map or the ring buffer between the packet path and the agent.
 *
 * Fixed widths, no implicit padding, sizes asserted on both sides. Byte order is the host's unless
 * a name ends in _be. Times named _ms are milliseconds of CLOCK_MONOTONIC. Addresses are 16 bytes
 * in network order; IPv4 is mapped
 * (::ffff:a.b.c.d), so that both families share one key type and one path.
 *
 * Any change of layout or meaning must change SA_ABI_VERSION: pinned maps of another version are
 * never adopted.
 */
#ifndef SYNANVIL_ABI_H
#define SYNANVIL_ABI_H

#include <linux/types.h>

#include "limits.h"
#include "reasons.h"

#define SA_ABI_VERSION 7

#define SA_ASSERT_SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), #type " has changed its size")

struct sa_address {
	__u64 high_be; /* zero for IPv4 */
	__u64 low_be;  /* 0000:ffff:a.b.c.d for IPv4 */
};
SA_ASSERT_SIZE(struct sa_address, 16);

/* Key of the prefix tries. */
struct sa_prefix {
	__u32 length; /* bits, 0 to 128; an IPv4 prefix has 96 more than its own length */
	__u8 address[16];
};
SA_ASSERT_SIZE(struct sa_prefix, 20);

/* Values of the exception tries (written by the agent). */
enum sa_exception {
	SA_EXCEPTION_NONE =
		0, /* as if nothing had matched: keeps IPv6 prefixes from covering mapped IPv4 */
	SA_EXCEPTION_EXEMPT = 1,
	SA_EXCEPTION_NOT_EXEMPT = 2, /* a negated pattern: ends the look-up */
};

/*
 * Which addresses a trie could match at all: one bit for each 16-bit digest of the first bits
 * (IPv4: the first 16 themselves; IPv6: of the first 32). A set bit promises nothing; a clear one
 * spares the look-up. Written by the agent: never less than what the trie holds.
 */
#define SA_FILTER_WORDS             1024
#define SA_FILTER_BIT_IPV4(first32) ((first32) >> 16)
#define SA_FILTER_BIT_IPV6(first32) ((__u32)((first32)*0x9e3779b1U) >> 16)

struct sa_filter {
	__u64 bits[2][SA_FILTER_WORDS]; /* by family */
};
SA_ASSERT_SIZE(struct sa_filter, 16384);

/* Rows of the map of filters. */
enum sa_filter_row {
	SA_FILTER_CONFIGURED = 0, /* two: by the index of the settings */
	SA_FILTER_RUNTIME = 2,
	SA_FILTER_BLOCKS = 3,
	SA_FILTERS = 4,
};

/* Value of the block trie (written by the agent). */
struct sa_block {
	__u64 expires_ms; /* latest end of this block and of all blocks that cover it; 0 = no block;
			     ~0 = until deleted */
};
SA_ASSERT_SIZE(struct sa_block, 8);

/* A source: client address masked to the configured prefix length, and the service that it talks
 * to. */
struct sa_source_key {
	__u8 address[16];
	__u32 service; /* sa_service.id */
};
SA_ASSERT_SIZE(struct sa_source_key, 20);

/*
 * What is known of a source. Written by the packet path only. 56 bytes: with the key and Linux' own
 * header an entry is 128 bytes, and all of the value shares one cache line with the end of the key.
 */
struct sa_source {
	__u32 owner; /* digest of the key: tells an entry that was given to another source meanwhile
		      */
	__u32 repeats; /* window tag << 4 | event emitted << 3 | free repeats used in it; moved by
			  compare-and-swap only */
	__u64 window;  /* start_ms << SA_COUNT_BITS | attempts; moved by compare-and-swap only; 0 =
			  never */
	__u64 classified; /* generation ^ low half of the full address that is on no list; 0 = not
			     known */
	__u32 remembered[SA_REPEATS_REMEMBERED]; /* digests of the last passed attempts of this
						    window */
	__u32 dropped;        /* attempts dropped, or that would have been; see SA_DROPPED_EXACT */
	__u32 last_dropped_s; /* seconds of CLOCK_MONOTONIC, written with dropped; 0 = never */
	__u64 pending; /* places of connections on their way, and whether it is known to have no
			  connection; bpf/pending.bpf.h. Also moved by the program that counts
			  connections */
};
SA_ASSERT_SIZE(struct sa_source, 56);

/*
 * What is known of an address that goes on sending though its source is over its limit: enough to
 * drop its next attempt by one cache line. Written by the packet path only; never true for
 * another address, another generation, or a window that has lapsed.
 */
struct sa_spent {
	__u64 check;  /* digest of address, service and generation ^ digest of the other members */
	__u64 window; /* as in sa_source; its count is over the limit */
	__u32 remembered[SA_REPEATS_REMEMBERED]; /* as in sa_source */
};
SA_ASSERT_SIZE(struct sa_spent, 32);

struct sa_spent_line {
	struct sa_spent ways[SA_SPENT_WAYS];
};
SA_ASSERT_SIZE(struct sa_spent_line, 64);

/* Whether it is worth looking: one byte of the digest for each place of as many lines; 0 = none. */
struct sa_spent_hints {
	__u8 hints[SA_SPENT_HINTED * SA_SPENT_WAYS];
};
SA_ASSERT_SIZE(struct sa_spent_hints, 8);

/* What is known of a source that met a block: kept apart so that blocked floods evict no counted
 * source. */
struct sa_blocked_source {
	__u64 event_ms; /* when an event was last emitted for it */
	__u32 dropped;  /* as in sa_source */
	__u32 last_dropped_s;
};
SA_ASSERT_SIZE(struct sa_blocked_source, 16);

/* One protected port. Written by the agent. */
struct sa_service {
	struct sa_address address; /* destination; any, if any_address is set */
	__u16 port_be;
	__u8 any_address;  /* 0 or 1 */
	__u8 behind_proxy; /* 0 or 1: what connects are proxies, to whom no share applies */
	__u32 id;          /* never given to another service while the pinned maps live */
	__u32 slot;        /* row in the counters, below SA_SERVICE_SLOTS; unique among old and new
			      settings */
	__u32 rate_limit;  /* attempts per source and unit; 0 = none; at most SA_RATE_LIMIT_MAX */
	__u32 connection_limit; /* simultaneous connections per source; 0 = none */
	__u32 process_limit;    /* simultaneous connections of the service; 0 = none */
};
SA_ASSERT_SIZE(struct sa_service, 40);

/* One interface; its index in sa_settings.interfaces is its counter slot. Slot 0 stays empty. */
struct sa_interface {
	__u32 ifindex; /* 0 = not there */
	__u32 slot;    /* its own index */
	char name[SA_INTERFACE_NAME_SIZE];
};
SA_ASSERT_SIZE(struct sa_interface, 24);

enum sa_enforcement {
	SA_MONITOR = 0,
	SA_ENFORCE = 1,
};

/*
 * All that a reload changes, but for the configured exceptions, which have the same index. Two of
 * these; the map "active" names the one in force. All zero protects nothing. Written by the agent,
 * and only while not in force.
 */
struct sa_settings {
	struct sa_address mask_ipv4; /* of mapped addresses: the upper 96 bits are always set */
	struct sa_address mask_ipv6;
	__u32 rate_unit_ms;
	__u32 enforcement; /* enum sa_enforcement */
	__u32 service_count;
	__u32 cache_classification; /* 0 where a mask is so short that sa_source.classified could be
				       ambiguous */
	__u32 next_service_id;      /* the agent's: first id that was never given out */
	__u32 epoch; /* of the live counts: another one after each change of masks or services,
		      and after an agent was killed while it counted */
	struct sa_interface interfaces[SA_INTERFACE_SLOTS];
	struct sa_service services[SA_SERVICES_MAX]; /* those with an address first */
};
SA_ASSERT_SIZE(struct sa_settings, 56 + SA_INTERFACE_SLOTS * 24 + SA_SERVICES_MAX * 40);

/* Row of the counters: [interface slot][service slot][family]. Per CPU. Written by the packet path
 * only. */
struct sa_counters {
	__u64 packets[SA_OUTCOMES];
};
SA_ASSERT_SIZE(struct sa_counters, 128);

#define SA_FAMILY_IPV4  0
#define SA_FAMILY_IPV6  1
#define SA_FAMILIES     2
#define SA_COUNTER_ROWS (SA_INTERFACE_SLOTS * SA_SERVICE_SLOTS * SA_FAMILIES)
#define SA_COUNTER_ROW(interface_slot, service_slot, family) \
	(((interface_slot)*SA_SERVICE_SLOTS + (service_slot)) * SA_FAMILIES + (family))

/* Counters that belong to no service. Per CPU. Written by the packet path only. */
struct sa_totals {
	__u64 unparsed[SA_INTERFACE_SLOTS];
	__u64 source_inserts;
	__u64 events_lost;
	__u64 event_second; /* the second that event_count belongs to */
	__u64 event_count;
	__u64 tickets; /* attempts so far; its digest decides which drops are sampled */
};
SA_ASSERT_SIZE(struct sa_totals, SA_INTERFACE_SLOTS * 8 + 40);

/*
 * A live connection: a TCP socket of the agent's network namespace, ESTABLISHED or CLOSE_WAIT,
 * whose local end is a service. What is counted of it depends on masks and services, so the epoch
 * is part of the key: an entry never changes, and whoever deletes it knows what to take back.
 * Written by connections.bpf.c, and by the agent for what sock_diag shows.
 */
struct sa_connection_key {
	__u64 cookie; /* the socket's; never given to another one until the next boot */
	__u32 epoch;  /* sa_settings.epoch under which it is counted */
	__u32 reserved;
};
SA_ASSERT_SIZE(struct sa_connection_key, 16);

#define SA_COUNTED_SOURCE  1 /* in the table of live counts */
#define SA_COUNTED_SERVICE 2 /* in the service's total */

struct sa_connection {
	struct sa_source_key source;
	__u16 slot;    /* of the service */
	__u16 counted; /* SA_COUNTED_* bits; fewer than both where a table was full */
};
SA_ASSERT_SIZE(struct sa_connection, 24);

/*
 * The same for a connection that opened before the eyes of connections.bpf.c, in its cookie's home;
 * see homes.h.
 */
struct sa_home {
	/* cookie << 16 | slot of the service << 8 | SA_COUNTED_* << 4 | being made; 0 = nobody.
	 * A cookie of more than 48 bits has no home. */
	__u64 word;
	struct sa_source_key source;
	__u32 epoch; /* as in sa_connection_key */
};
SA_ASSERT_SIZE(struct sa_home, 32);

/*
 * Live counts by source and epoch; see live.h. Each word is digest << SA_LIVE_COUNT_BITS | count,
 * 0 = free; moved by compare-and-swap only, by connections.bpf.c and the agent.
 */
struct sa_live_bucket {
	__u64 words[SA_LIVE_WAYS];
};
SA_ASSERT_SIZE(struct sa_live_bucket, 128);

#define SA_LIVE_ALWAYS (~0ULL)

/*
 * What the agent is about to count or to take back, written before it does: an agent that is killed
 * in between leaves it to the next one. Agent's alone.
 */
struct sa_live_intent {
	__u64 cookie;
	__u64 digest;
	__u32 epoch;
	__u32 bucket;
	__u16 slot;
	__u16 counted;   /* SA_COUNTED_* bits: what may be counted of it */
	__u32 under_way; /* 0: nothing is */
};
SA_ASSERT_SIZE(struct sa_live_intent, 32);

/* Totals of the live counts. Written by connections.bpf.c and the agent. */
struct sa_live_totals {
	__u64 seed; /* random, never 0 in use: who can't guess it can't aim at a bucket. Agent's */
	__u64 uncounted;  /* connections that some table had no room for */
	__u32 epoch_kept; /* the oldest epoch that may have entries. Agent's */
	__u32 note; /* lowest 8 bits; 1 to 255: a source whose entry has this note had no connection
		       when it was looked for, and none has opened since. 0: none holds, as while
		       the agent enters connections that the kernel's program did not see to open;
		       after that another one. Agent's, as are the bits above */
	/* Agent's: until when limits of connections hold by these counts, in ms; 0: nobody counts.
	 * SA_LIVE_ALWAYS: the kernel counts, at the moment when it happens. */
	__u64 holds_until_ms;
	/* Before what is written often, off the line of the seed: */
	struct sa_live_intent intent;
	__u32 strays; /* entries of the map connections, never fewer; 0: none, and it need not be
			 looked at. On the line of the first services, which each connection moves
		       */
	__u32 reserved;
	__u64 services[SA_SERVICE_SLOTS]; /* by slot: epoch << 32 | connections; compare-and-swap */
	__u32 hints[SA_LIVE_HINTS];       /* of the buckets that share it: which digests have any
					     connections, and how many in all, never fewer */
};
SA_ASSERT_SIZE(struct sa_live_totals, 72 + SA_SERVICE_SLOTS * 8 + SA_LIVE_HINTS * 4);

/* One source went over a limit, or met a block; at most one per source, service and window. */
struct sa_event {
	__u64 time_ms;
	struct sa_address address; /* the full one, not the source's prefix */
	__u32 service;             /* sa_service.id */
	__u32 count;               /* attempts so far; 0 for a block */
	__u32 limit;               /* the limit that was exceeded; 0 for a block */
	__u8 reason;               /* enum sa_reason */
	/* 1 if connections alone, without those begun, reach the limit. This attempt itself anybody
	 * may have sent. Of concurrency only. */
	__u8 confirmed;
	__u8 would_drop; /* 1 in monitor mode */
	__u8 is_share;   /* of concurrency: 1 if the limit is a share of what a service has left */
};
SA_ASSERT_SIZE(struct sa_event, 40);

#endif
