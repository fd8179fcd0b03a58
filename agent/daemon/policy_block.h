/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From refused messages to a block at the NIC. A policy request proves nothing, since any program
 * of the host can write one: the kernel has to confirm that the client is connected to the service
 * at this moment, and that the process that asks is the same user's as the one that has the
 * connection.
 */
#ifndef AGENT_POLICY_BLOCK_H
#define AGENT_POLICY_BLOCK_H

#include "daemon.h"
#include "policy.h"

struct policy_block;

int policy_block_new(struct daemon *daemon, struct policy_block **ret_block);

/* Blocks that wait are put in force. Accepts NULL. Returns NULL. */
struct policy_block *policy_block_free(struct policy_block *block);

/*
 * The user whose process asks, which is looked for once a connection. False: not known, so that
 * what it says leads to no block.
 */
bool policy_block_witness(struct policy_block *block, const struct policy_asker *asker,
			  uint32_t *ret_user);

/*
 * Whether the kernel says that the client of a request has a connection to this service (NULL: none
 * of protected_ports), made by a process of the user who asks. Asks it once.
 */
bool policy_block_confirms(struct policy_block *block, const struct policy_request *request,
			   const struct policy_asker *asker, const struct config_service *service);

/* Why a client is not blocked, or that it is. */
enum policy_verdict {
	POLICY_BLOCKED,
	POLICY_BLOCK_OFF,         /* not now: below client_block_threshold, if there is one */
	POLICY_BLOCK_NO_SERVICE,  /* not a row of protected_ports, or behind a proxy */
	POLICY_BLOCK_KNOWN,       /* blocked already, or about to be */
	POLICY_BLOCK_UNCONFIRMED, /* the kernel knows of no such connection */
};

/* A client that had messages refused. */
struct policy_offence {
	const struct policy_request *request;
	const struct policy_asker *asker;
	const struct config_service *service; /* NULL: none of protected_ports */
	uint32_t refused;                     /* messages, by rate, in the time unit */
};

/*
 * Blocks the client if it is due: at once in the next turn of the loop, but what comes within a
 * second after a change of the blocks is put in force together, since each change is written to
 * disk. In monitor mode only a log line says so.
 */
enum policy_verdict policy_block_consider(struct policy_block *block,
					  const struct policy_offence *offence, struct mono_ms now);

#endif
