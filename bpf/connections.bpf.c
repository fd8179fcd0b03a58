/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts live connections where the kernel makes and ends them: each TCP socket of the agent's
 * network namespace, by its state. The kernel calls this before it stores the new state, so a
 * connection that anybody can see is counted.
 *
 * However a connection ends, there is one transition out of ESTABLISHED or CLOSE_WAIT. By then the
 * local port may be gone: what is taken back is told by the socket's cookie.
 */
/* In the order of a connection's way. */
/* clang-format off */
#include "socket.bpf.h"
#include "service.bpf.h"
#include "clock.bpf.h"
#include "classify.bpf.h"
#include "live_change.bpf.h"
#include "pending.bpf.h"
/* clang-format on */

/* The agent's network namespace, by a number that no other one gets. Set by the agent before load.
 */
const volatile __u64 net_cookie = 0;

/*
 * The change that the first program has seen last on each CPU, a cache line each, so that the
 * second need not look again. A socket makes each of the changes that count once. CPUs that share a
 * place only make the second look.
 */
#define PLACES 512

struct {
	__u64 change;
	__u64 unused[7];
} seen_last[PLACES];

static __always_inline __u64 *seen_here(void)
{
	return &seen_last[bpf_get_smp_processor_id() % PLACES].change;
}

/* Counted first, then its place is given back and its source's note taken away: never is there room
 * for one too many. */
static __always_inline void connection_opened(const struct sock *sk, __u64 cookie,
					      const struct sa_settings *set, bool again)
{
	struct sa_connection_key key = { .cookie = cookie, .epoch = set->epoch };
	struct sa_connection connection = {};
	struct attempt attempt = {};
	struct sa_source *source;

	if (!socket_read(sk, &attempt.packet) || service_find(set, &attempt) == STAGE_NOT_OURS)
		return;
	source_key_make(set, &attempt);
	connection.source = attempt.key;
	connection.slot = attempt.service_slot;
	if (!live_enter(&key, &connection, again) ||
	    !(attempt.connection_limit | attempt.process_limit))
		return;
	source = bpf_map_lookup_elem(&sources, &attempt.key);
	if (source)
		pending_open(source, clock_now_traced_ms());
}

static __always_inline int connection_seen(__u64 *ctx, bool again)
{
	struct sock *sk = (struct sock *)ctx[0];
	bool was = socket_is_live((int)ctx[1]), is = socket_is_live((int)ctx[2]);
	const struct sa_settings *set;
	__u64 cookie, change, *here;
	__u32 index;

	if (was == is || !socket_is_of(sk, net_cookie))
		return 0;
	here = seen_here();
	cookie = socket_cookie(sk);
	change = cookie << 8 | (__u8)ctx[2];
	if (again && *(volatile __u64 *)here == change)
		return 0;
	set = settings_in_force(&index);
	if (!set)
		return 0;
	if (is)
		connection_opened(sk, cookie, set, again);
	else
		live_leave(cookie, set->epoch);
	if (!again)
		*(volatile __u64 *)here = change;
	return 0;
}

/*
 * Twice: Linux does not run a tracing program on a CPU where it is running already, and a packet
 * may interrupt a process that changes the state of its own socket just then. The one that was
 * interrupted is left out, the other sees the packet's change; nothing nests deeper. What one
 * has entered or deleted the other leaves alone.
 */
SEC("tp_btf/inet_sock_set_state")
int synanvil_connections(__u64 *ctx)
{
	return connection_seen(ctx, false);
}

SEC("tp_btf/inet_sock_set_state")
int synanvil_connections_again(__u64 *ctx)
{
	return connection_seen(ctx, true);
}

/* "GPL" is what the kernel asks for its helpers; the file itself is GPL-2.0-or-later. */
char program_license[] SEC("license") = "GPL";
