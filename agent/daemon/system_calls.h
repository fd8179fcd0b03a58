/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent may ask of the kernel once it serves: a seccomp filter, for good.
 *
 * Anything else ends the process (SIGSYS; the kernel logs the number). That costs no protection:
 * the packet path goes on by itself, and the service manager's next start adopts it. An errno
 * instead would leave whoever took over the agent free to go on trying.
 */
#ifndef AGENT_SYSTEM_CALLS_H
#define AGENT_SYSTEM_CALLS_H

#include "explanation.h"

/*
 * From now on: no programs (neither executed nor loaded into the kernel), no processes, no sockets
 * of other families, no changes of identity, mounts or memory protection towards code. Calls that
 * are newer than libseccomp get ENOSYS, as from an older kernel, so that a newer libc can fall
 * back. Needs no_new_privs. 0 or -errno.
 */
int system_calls_limit(struct explanation *reterr_why);

#endif
