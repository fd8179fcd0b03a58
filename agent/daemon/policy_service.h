/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy service as a part of the agent: counters that live as long as it does, and the sockets
 * of policy_listen in front of them.
 */
#ifndef AGENT_POLICY_SERVICE_H
#define AGENT_POLICY_SERVICE_H

#include "daemon.h"
#include "explanation.h"

/*
 * Binds what daemon->config asks for, with the privileges of the start. Nobody is served before the
 * loop runs. 0 or -errno; policy_service_close is due in either case.
 */
int policy_service_open(struct daemon *daemon, struct explanation *reterr_why);
void policy_service_close(struct daemon *daemon);

#endif
