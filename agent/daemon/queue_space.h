/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Free space in the file system of the mail queue, by the conditions and the arithmetic of Postfix'
 * smtpd_check_queue, and when to look again. Pure: looking (statvfs) and the clock are the
 * caller's.
 */
#ifndef AGENT_QUEUE_SPACE_H
#define AGENT_QUEUE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

/* What a look may be old. */
#define QUEUE_SPACE_AGE_MS 1000

/* In bytes; 0: none of its kind. */
struct queue_demand {
	uint64_t minfree;    /* queue_minfree */
	uint64_t size_limit; /* message_size_limit */
};

/* As statvfs says it: fragments, and those that others than root may use. */
struct queue_room {
	uint64_t block_size;
	uint64_t free_blocks;
};

/* Whether Postfix would refuse MAIL for want of space. */
bool queue_room_lacks(const struct queue_room *room, const struct queue_demand *demand);

/* The smallest number of free bytes with which it would not. */
uint64_t queue_room_required(const struct queue_room *room, const struct queue_demand *demand);

/* The last look. All zero: none yet. */
struct queue_space {
	struct queue_room room; /* valid if readable */
	uint64_t looked_ms;
	uint64_t admitted; /* bytes that mail may have taken since, at most */
	bool looked;
	bool readable;
};

/*
 * Whether it is time to look: the last one is old, or what was let in since may have used up what
 * was there beyond the demand.
 */
bool queue_space_due(const struct queue_space *space, const struct queue_demand *demand,
		     uint64_t now_ms);

/* A look's outcome; room NULL: it failed. Whether that is a change to tell about (a first success
 * is none). */
bool queue_space_learn(struct queue_space *space, const struct queue_room *room, uint64_t now_ms);

/* Mail of at most this many bytes is on its way into the queue; UINT64_MAX: of any size. */
void queue_space_admit(struct queue_space *space, uint64_t bytes);

/* False also as long as nothing is known. */
bool queue_space_lacks(const struct queue_space *space, const struct queue_demand *demand);

#endif
