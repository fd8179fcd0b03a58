/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket at which the milter reports what it counted, and learns of reloads and of exceptions
 * added at run time. One command ("milter report", control_protocol.h) for three users: root, the
 * agent's and the milter's; whoever else connects is turned away. So the control socket need not be
 * opened to a program that reads what strangers send.
 */
#ifndef AGENT_MILTER_REPORTS_H
#define AGENT_MILTER_REPORTS_H

#include "daemon.h"

struct milter_reports;

/* Listens beside control_socket, and adds to daemon->milter_totals. Errors as control_server_new.
 */
int milter_reports_new(struct daemon *daemon, const char *control_socket,
		       struct milter_reports **ret_reports);

/* Accepts NULL. Returns NULL. */
struct milter_reports *milter_reports_free(struct milter_reports *reports);

/* Whether a user may report. */
bool milter_reports_welcome(uid_t user);

/* Runs one request line; the reply is to be freed, NULL when memory is short. */
char *milter_reports_answer(struct daemon *daemon, const char *line, size_t size);

#endif
