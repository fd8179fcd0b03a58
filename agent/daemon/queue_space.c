/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Postfix counts in whole blocks and refuses at the edge: >=, and a message's blocks against the
 * free ones divided by 1.5 as real numbers.
 */
#include "queue_space.h"

#include <stddef.h>

#define SPACE_FACTOR 1.5

bool queue_room_lacks(const struct queue_room *room, const struct queue_demand *demand)
{
	const uint64_t minfree = demand->minfree / room->block_size;
	const uint64_t message = demand->size_limit / room->block_size;

	return minfree >= room->free_blocks ||
	       (double)message >= (double)room->free_blocks / SPACE_FACTOR;
}

uint64_t queue_room_required(const struct queue_room *room, const struct queue_demand *demand)
{
	const uint64_t minfree = demand->minfree / room->block_size;
	const uint64_t message = demand->size_limit / room->block_size;
	uint64_t blocks = message + message / 2;
	uint64_t bytes;

	if (blocks < minfree)
		blocks = minfree;
	if (__builtin_mul_overflow(blocks + 1, room->block_size, &bytes))
		return UINT64_MAX;
	return bytes;
}

/* Bytes beyond the least that is enough; only where it is. */
static uint64_t margin(const struct queue_room *room, const struct queue_demand *demand)
{
	const uint64_t required = queue_room_required(room, demand) / room->block_size;
	uint64_t bytes;

	if (room->free_blocks <= required)
		return 0;
	if (__builtin_mul_overflow(room->free_blocks - required, room->block_size, &bytes))
		return UINT64_MAX;
	return bytes;
}

bool queue_space_due(const struct queue_space *space, const struct queue_demand *demand,
		     uint64_t now_ms)
{
	if (!space->looked || now_ms - space->looked_ms >= QUEUE_SPACE_AGE_MS)
		return true;
	if (!space->readable || queue_room_lacks(&space->room, demand))
		return false;
	return space->admitted > margin(&space->room, demand);
}

bool queue_space_learn(struct queue_space *space, const struct queue_room *room, uint64_t now_ms)
{
	/* A file system without a block size is none that one could compute with. */
	const bool readable = room && room->block_size;
	const bool changed =
		readable ? space->looked && !space->readable : !space->looked || space->readable;

	*space = (struct queue_space){ .looked_ms = now_ms, .looked = true, .readable = readable };
	if (readable)
		space->room = *room;
	return changed;
}

void queue_space_admit(struct queue_space *space, uint64_t bytes)
{
	if (__builtin_add_overflow(space->admitted, bytes, &space->admitted))
		space->admitted = UINT64_MAX;
}

bool queue_space_lacks(const struct queue_space *space, const struct queue_demand *demand)
{
	return space->looked && space->readable && queue_room_lacks(&space->room, demand);
}
