/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program on one interface: one link, pinned as link-<ifindex>. Never takes away or replaces
 * what somebody else attached. A link that is there gets the new program in place.
 */
#ifndef AGENT_ATTACHMENT_H
#define AGENT_ATTACHMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "explanation.h"
#include "interfaces.h"

struct attachment {
	int link; /* owned */
	enum interface_mode mode;
	bool adopted; /* an earlier agent made it */
};

/* -EBUSY, with the other program's name, if the interface has an XDP program that is not ours; else
 * 0 or -errno. */
int attachment_check(const char *name, uint32_t ifindex, struct explanation *reterr_why);

/*
 * Attaches program or updates the pinned link. On success *ret_note is empty, or says why the mode
 * is generic. On failure what was attached before still is.
 */
int attachment_make(const char *name, uint32_t ifindex, enum config_xdp_mode wanted, int program,
		    struct attachment *ret_attachment, struct explanation *ret_note);

/* Removes the pin and closes the link: the program is detached. */
void attachment_remove(uint32_t ifindex, int link);

/* Whether the link still holds on to the interface: it lets go when the interface vanishes. */
bool attachment_holds(int link, uint32_t ifindex);

/* Removes every pinned link whose index is not among the given ones. 0 or -errno. */
int attachment_remove_others(int pins, const uint32_t *ifindexes, size_t count);

#endif
