/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capacities that both sides of the kernel boundary rely on, each with its reason. Plain integers,
 * no types.
 */
#ifndef SYNANVIL_LIMITS_H
#define SYNANVIL_LIMITS_H

/* Rows that the packet path compares in turn; a host with more mail ports than this is not known.
 */
#define SA_SERVICES_MAX 16

/* Counter rows for services: a reload may replace all of them, and the old ones are still written
 * meanwhile. */
#define SA_SERVICE_SLOTS 32

/* Interfaces that are told apart. Slot 0 takes packets of an interface that the settings do not
 * name. */
#define SA_INTERFACE_SLOTS 16

/* 802.1Q and 802.1ad tags that are looked through; a third one is not. */
#define SA_VLAN_TAGS_MAX 2

/* IPv6 extension headers that are looked through, in any mix. */
#define SA_IPV6_EXTENSION_HEADERS_MAX 8

/* Bits of the attempt counter inside the window word. The highest value means "this many or more".
 */
#define SA_COUNT_BITS 24
#define SA_COUNT_MAX  ((1U << SA_COUNT_BITS) - 1)

/* A larger limit could never be exceeded, since the counter saturates: the agent turns it into no
 * limit. */
#define SA_RATE_LIMIT_MAX (SA_COUNT_MAX - 1)

/* Passed attempts that a source is remembered by, to recognise their repeats. */
#define SA_REPEATS_REMEMBERED 4

/* Free repeats of a source within one window: Linux sends an unanswered SYN at most six times more
 * by default. */
#define SA_REPEATS_FREE 7

/* The per-source count of drops is exact to here; beyond, it grows by this much with the inverse
 * probability. */
#define SA_DROPPED_EXACT 64

/*
 * How long a passed attempt holds a place among its source's connections before it is established:
 * between one and two of these. SYN-ACKs that are sent again after one and three seconds are within
 * it; places that forged attempts took are soon free again.
 */
#define SA_PENDING_SLOT_MS 3000

/* The number of the slot at that time, modulo 2^20 (36 days): a multiplication, where a division
 * would take longer; off by one in 30,000. */
#define SA_PENDING_SLOT_MASK  0xfffffU
#define SA_PENDING_SCALE_BITS 26
#define SA_PENDING_SLOT(now_ms)                                                     \
	((__u32)((now_ms) * ((1U << SA_PENDING_SCALE_BITS) / SA_PENDING_SLOT_MS) >> \
		 SA_PENDING_SCALE_BITS) &                                           \
	 SA_PENDING_SLOT_MASK)

/* Places that are counted in one slot. */
#define SA_PENDING_MAX 0xffffU

/* Where the slot stands in sa_source.pending, the note and the openings. */
#define SA_PENDING_SLOT_SHIFT    44
#define SA_PENDING_NOTE_SHIFT    36
#define SA_PENDING_NOTE_MASK     0xffU
#define SA_PENDING_OPENING_SHIFT 32
#define SA_PENDING_OPENING_MASK  0xfU

/*
 * Entries of the map for a source table of a given size. Linux' LRU keeps what was seen again on a
 * list of its own, up to half of the map, and hands out free entries to CPUs in batches: a map of
 * just the size would forget a new source long before as many others have come. Twice the size
 * keeps the promise, in tables that hold many sources seen again too (tests/bpf/test_pressure.c).
 * What is beyond also doubles Linux' buckets, which makes their chains half as long.
 */
#define SA_SOURCE_TABLE_SLACK_PER_CPU 512U
#define SA_SOURCE_ENTRIES(size, cpus) (2 * (size) + SA_SOURCE_TABLE_SLACK_PER_CPU * (cpus))

/* Lines of the table of spent sources, a power of two: 2 MB, of which a flood's part stays in
 * cache. */
#define SA_SPENT_LINES 32768
#define SA_SPENT_WAYS  2

/* Lines whose hints share one entry of the map of hints. */
#define SA_SPENT_HINTED     4

#define SA_SOURCE_TABLE_MIN 1024
#define SA_SOURCE_TABLE_MAX (1U << 26)

/* Prefixes that one trie may hold: bounds the kernel memory that a list can take (about 100 bytes
 * each). */
#define SA_PREFIXES_MAX 4194304

/* Blocked sources whose drops are counted one by one; beyond this the oldest are forgotten, the
 * block is not. */
#define SA_BLOCKED_SOURCES_MAX 16384

/*
 * Connections that are told apart by their cookies; a table that evicts nothing. While a reload
 * that changes what a source or a service is has the counts rebuilt, a connection takes two
 * entries. About 100 bytes each.
 */
#define SA_CONNECTIONS_MAX 262144

/*
 * Connections that have a home (homes.h), a power of two: a connection that outlives so many others
 * may take the home of a later one, which then goes to the table above. 2 MB.
 */
#define SA_HOMES 65536

/*
 * The table of live counts: buckets of two adjacent cache lines. Were every connection from another
 * source, a bucket would have four of them on average, and more than its 16 in one of a million
 * buckets. 8 MB.
 */
#define SA_LIVE_BUCKETS 65536
#define SA_LIVE_WAYS    16

/* Counters in front of the buckets, each for four of them: 64 KB, which stay in cache. */
#define SA_LIVE_HINTS (SA_LIVE_BUCKETS / 4)

/* Bits of the count inside the word of a live count: more than there can be connections. */
#define SA_LIVE_COUNT_BITS 20

/* Bytes of the ring buffer that carries events to the agent: about 5,000 events. */
#define SA_EVENTS_BYTES (512 * 1024)

/* Events that one CPU emits in a second; what is beyond is counted as lost, never waited for. */
#define SA_EVENTS_PER_SECOND 1000

/* An interface name with its terminating NUL, as Linux' IFNAMSIZ. */
#define SA_INTERFACE_NAME_SIZE 16

#endif
