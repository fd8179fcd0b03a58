/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent may do: checked before it starts, cut down to what it goes on needing before it
 * serves anybody.
 */
#ifndef AGENT_PRIVILEGES_H
#define AGENT_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "explanation.h"

/* Whom the agent becomes after its privileged setup. */
struct privileges_user {
	bool change; /* false: it stays who it is */
	uid_t uid;
	gid_t gid;
};

/* -EPERM, with what is missing, unless the packet path may be loaded and attached. */
int privileges_check(struct explanation *reterr_why);

/* After privileges_check: whether the kernel lets tracing programs in, and trusts programs to run
 * ahead of their branches. */
bool privileges_may_trace(void);

/* The user synanvil, if root starts the agent and there is one. */
void privileges_user_find(struct privileges_user *ret_user);

/* Makes user the owner of a directory and of the files in it. 0 or -errno. */
int privileges_give_directory(const char *directory, const struct privileges_user *user);

/* Becomes user and keeps CAP_BPF, CAP_NET_ADMIN and, if it is there, CAP_PERFMON alone, for good. 0
 * or -errno. */
int privileges_drop(const struct privileges_user *user, struct explanation *reterr_why);

#endif
