/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connections_source.h"

const char *connections_source_name(enum connections_source source)
{
	static const char *const names[CONNECTIONS_SOURCES] = {
		[CONNECTIONS_KERNEL] = "kernel",
		[CONNECTIONS_SOCK_DIAG] = "sock_diag",
		[CONNECTIONS_OFF] = "off",
	};

	return names[source];
}
