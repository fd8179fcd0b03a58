/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configured interfaces: which of them exist, and what is attached to each. An interface is
 * attached when it appears, and again when it returns under another index.
 *
 * A list owns its links. During a reload there are two lists; a link that both have is owned by the
 * later one.
 */
#ifndef AGENT_INTERFACES_H
#define AGENT_INTERFACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "explanation.h"

struct daemon;

enum interface_mode { INTERFACE_DETACHED, INTERFACE_NATIVE, INTERFACE_GENERIC };

struct interface {
	char name[SA_INTERFACE_NAME_SIZE];
	uint32_t ifindex; /* 0: does not exist at present */
	enum interface_mode mode;
	int link;     /* -1 unless attached */
	bool adopted; /* an earlier agent attached it */
	bool warned;  /* its absence, or that it can't be attached, was said once */
};

struct interfaces {
	struct interface items[SA_INTERFACE_SLOTS]; /* in the order of the configuration */
	size_t count;
};

/* "native", "generic", or NULL if nothing is attached. */
const char *interface_mode_name(enum interface_mode mode);

static inline bool interface_attached(const struct interface *interface)
{
	return interface->mode != INTERFACE_DETACHED;
}

/*
 * The list that config wants: what now (may be empty) has is taken over as it is, the rest is
 * looked up by name but not yet attached. Fails if one has a foreign XDP program. Changes nothing
 * in the kernel.
 */
int interfaces_plan(const struct config *config, const struct interfaces *now,
		    struct interfaces *ret_wanted, struct explanation *reterr_why);

/* Notes the indexes of all interfaces in settings. True if that changed something. */
bool interfaces_place(const struct interfaces *interfaces, struct sa_settings *settings);

/* Attaches what exists and is not attached. Stops at the first failure; what was attached by then
 * stays. */
int interfaces_attach(struct interfaces *interfaces, enum config_xdp_mode mode, int program,
		      struct explanation *reterr_why);

/* Detaches what gone has and kept has not; NULL: all. */
void interfaces_detach(struct interfaces *gone, const struct interfaces *kept);

/* Detaches what was attached by this agent and is not in kept; an earlier agent's attachments stay
 * (a failed start). */
void interfaces_detach_own(struct interfaces *interfaces);

/* Closes the links; what is pinned stays attached. */
void interfaces_close(struct interfaces *interfaces);

/* Removes pinned links that this list does not have. 0 or -errno. */
int interfaces_remove_others(const struct interfaces *interfaces, int pins);

/* Follows the kernel: what vanished, returned or changed since the last look. Logs what it does. */
void interfaces_follow(struct daemon *daemon);

/* Whether a change of this interface matters to the list. */
bool interfaces_concern(const struct interfaces *interfaces, const char *name, uint32_t ifindex);

#endif
