/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one packet is known to be, filled stage by stage, and what a stage says: a reason of
 * reasons.def that ends the packet's way, or one of the words below.
 */
#ifndef BPF_ATTEMPT_H
#define BPF_ATTEMPT_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "synanvil/abi.h"

enum stage {
	STAGE_CONTINUE = -1, /* nothing decided: on to the next stage */
	STAGE_NOT_OURS = -2, /* no attempt, or not to a protected port: passes, not counted */
	STAGE_UNPARSED = -3, /* passes, counted as such */
};

struct packet {
	struct sa_address source;
	struct sa_address destination;
	__u32 sequence; /* as on the wire: compared, never computed with */
	__u16 source_port_be;
	__u16 destination_port_be;
	__u32 family; /* SA_FAMILY_* */
};

/*
 * Holds copies of what the settings say, so that no later stage depends on which row it came from,
 * and no pointers, so that it can be handed to a function that the verifier takes on its own.
 */
struct attempt {
	struct packet packet;
	__u32 index; /* of the settings in force when this packet came */
	__u32 service_slot;
	__u32 rate_limit;
	__u32 rate_unit_ms;
	__u32 epoch; /* of the live counts */
	__u32 connection_limit;
	__u32 process_limit;
	bool behind_proxy;
	bool enforced;
	bool sampled;     /* one in SA_DROPPED_EXACT: stands for as many drops of its source */
	bool first_over;  /* this attempt is the one in its window to be told of */
	bool takes_place; /* passes only with a place among its source's connections */
	bool placed;      /* a place of its source's was taken for it */
	__u32 refused;    /* SA_REASON_CONCURRENCY or _PROCESS_LIMIT: by what is counted of
			     connections */
	__u32 count;      /* attempts in the window, this one included */
	/* Read only where connections are limited: */
	__u32 note;         /* of sources without a connection; 0: none is believed or made */
	__u32 live;         /* connections of the source */
	__u32 service_live; /* connections of the service, where its processes are limited */
	__u32 may_hold;     /* connections that the source may have, those on their way included */
	__u32 held;         /* those that it has, without this attempt */
	__u64 now_ms;
	__u64 generation; /* of the lists; 0 = not known */
	__u64 classified; /* what sa_source.classified says if no list matches; 0 = cannot be known
			   */
	struct sa_source_key key;
};

#endif
