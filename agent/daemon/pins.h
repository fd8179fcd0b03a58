/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf_directory: where links and maps outlive the agent. While the agent runs the directory is its
 * working directory and locked; pins are named relative to it, so that a directory above that only
 * root may enter does not matter later.
 */
#ifndef AGENT_PINS_H
#define AGENT_PINS_H

#include <stdint.h>
#include <sys/types.h>

#include "explanation.h"

/*
 * Creates the directory if need be (mode 0700), enters and locks it. *ret_pins is its descriptor,
 * which holds the lock. -ENODEV: no BPF file system there; -EBUSY: another agent has it; other
 * -errno.
 */
int pins_open(const char *directory, int *ret_pins, struct explanation *reterr_why);

/* A descriptor of the pinned object, or -errno; -ENOENT if there is none. */
int pins_get(const char *name);

/* Pins fd as name; what had the name is replaced in one step. 0 or -errno. */
int pins_put(const char *name, int fd);

/* Removes a pin; that there is none is no error. 0 or -errno. */
int pins_remove(const char *name);

/* Calls visit for every pin whose name begins with prefix; stops at and returns the first non-zero
 * result. */
int pins_each(int pins, const char *prefix, int (*visit)(const char *name, void *context),
	      void *context);

/* Removes all pins, and the directory where that is possible. 0 or -errno of the first pin that
 * stays. */
int pins_remove_all(int pins, const char *directory);

/* Gives the directory and all pins to a user who will go on without root's privileges. 0 or -errno.
 */
int pins_give(int pins, uid_t uid, gid_t gid);

#endif
