/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs that count live connections in the kernel: loaded onto the packet path's maps,
 * attached in two places (connections.bpf.c says why) by links that are pinned as "counting" and
 * "counting-again", so that they go on without the agent. Several of them at once do no harm, so
 * one replaces another without a gap.
 */
#ifndef AGENT_CONNECTION_PROGRAM_H
#define AGENT_CONNECTION_PROGRAM_H

#include "bpf_object.h"
#include "explanation.h"

/*
 * Loads and attaches them and gives the links the pins; earlier ones end with that.
 * *ret_link, the first of them, is the caller's. -errno with the reason where the kernel does not
 * allow it; then what was there before still is.
 */
int connection_program_attach(const struct bpf_program_set *packet_path, int *ret_link,
			      struct explanation *reterr_why);

/* Whether an earlier agent's link is there. */
bool connection_program_is_pinned(void);

/* Takes the pins away. What the link's last descriptor holds ends when that is closed. 0 or -errno.
 */
int connection_program_unpin(void);

#endif
