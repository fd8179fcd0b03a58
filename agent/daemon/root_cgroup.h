/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroup that all processes of the host are in or below: what is attached to it, all their
 * sockets call.
 */
#ifndef AGENT_ROOT_CGROUP_H
#define AGENT_ROOT_CGROUP_H

/* Where a process reads what is mounted for it, fstab(5). */
#define MOUNTS_OF_THIS_PROCESS "/proc/self/mounts"

/*
 * The root of the hierarchy (cgroups(7), version 2), looked for in the list of mounts; the
 * descriptor is the caller's. -ENOENT where none is mounted, or only a part of the hierarchy, as in
 * a container: the mail server may be outside of it. Other -errno.
 */
int root_cgroup_open(const char *mounts, int *ret_cgroup);

#endif
