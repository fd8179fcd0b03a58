/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who counts live connections, as status and metrics say it.
 */
#ifndef AGENT_CONNECTIONS_SOURCE_H
#define AGENT_CONNECTIONS_SOURCE_H

enum connections_source {
	CONNECTIONS_KERNEL,    /* counted in the kernel, checked by sock_diag */
	CONNECTIONS_SOCK_DIAG, /* by sock_diag alone, as of a second ago */
	CONNECTIONS_OFF,       /* not at all: all counts are 0 */
	CONNECTIONS_SOURCES,
};

/* The token that users see. */
const char *connections_source_name(enum connections_source source);

#endif
