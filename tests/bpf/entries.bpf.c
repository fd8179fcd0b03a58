/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry and exit as the counting program does them, without sockets: a test says which cookie, and
 * when. Returns 1 where the connection was entered. The licence string is what the kernel asks of
 * programs that call GPL-only helpers; it is this file's licence.
 */
#include "live_change.bpf.h"

#include "entries.h"

SEC("syscall")
int entries_enter(struct entries_call *call)
{
	struct sa_connection_key key = { .cookie = call->cookie, .epoch = call->epoch };
	struct sa_connection connection = { .source = call->source, .slot = call->slot };

	return live_enter(&key, &connection, call->again);
}

SEC("syscall")
int entries_leave(struct entries_call *call)
{
	live_leave(call->cookie, call->epoch);
	return 0;
}

char program_license[] SEC("license") = "GPL";
