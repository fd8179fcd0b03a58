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

/* What a sockops program returns that answers nothing. */
#define SOCKOPS_DONE 1

/* The agent's network namespace, by a number that no other one gets. Set by the agent before load.
 */
const volatile __u64 net_cookie = 0;

/*
 * The change that the first program has seen last on each CPU, a cache line each, so that the
 * second need not look again. A socket makes each of the changes that count once. CPUs that share a
 * place, or a packet between the two looks, only make the second look.
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

static __always_inline bool change_counts(int old_state, int new_state)
{
	return socket_is_live(old_state) != socket_is_live(new_state);
}

/* asked: what the kernel gives the cookie of sk for, here. */
static __always_inline void connection_seen(struct sock *sk, void *asked, int old_state,
					    int new_state, bool again)
{
	const struct sa_settings *set;
	__u64 cookie, change, *here;
	__u32 index;

	if (!change_counts(old_state, new_state) || !socket_is_of(sk, net_cookie))
		return;
	here = seen_here();
	cookie = socket_cookie(sk, asked);
	change = cookie << 8 | (__u8)new_state;
	if (again && *(volatile __u64 *)here == change)
		return;
	set = settings_in_force(&index);
	if (!set)
		return;
	if (socket_is_live(new_state))
		connection_opened(sk, cookie, set, again);
	else
		live_leave(cookie, set->epoch);
	if (!again)
		*(volatile __u64 *)here = change;
}

/*
 * Two programs look at each change; what one has entered or deleted the other leaves alone. The
 * first is this one, where there is the cgroup of all processes to attach it to: the socket itself
 * calls it, whatever else this CPU is in the middle of. But it has to ask to be called, and sees
 * only what opens while it is attached.
 */
SEC("sockops")
int synanvil_connections_told(struct bpf_sock_ops *ctx)
{
	const bool changes = ctx->op == BPF_SOCK_OPS_STATE_CB;
	struct bpf_sock *told;
	struct sock *sk;

	if (!changes && ctx->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return SOCKOPS_DONE;
	if (changes && !change_counts((int)ctx->args[0], (int)ctx->args[1]))
		return SOCKOPS_DONE;
	told = ctx->sk;
	sk = told ? (struct sock *)bpf_skc_to_tcp_sock(told) : NULL;
	if (!sk)
		return SOCKOPS_DONE;
	if (changes)
		connection_seen(sk, ctx, (int)ctx->args[0], (int)ctx->args[1], false);
	else if (socket_is_of(sk, net_cookie))
		bpf_sock_ops_cb_flags_set(
			ctx, (int)(ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG));
	return SOCKOPS_DONE;
}

/*
 * Otherwise this one, and the next one always. Linux does not run a tracing program on a CPU where
 * it is running already, and a packet may interrupt a process that changes the state of its own
 * socket just then. The one that was interrupted is left out, the other sees the packet's change;
 * nothing nests deeper.
 */
SEC("tp_btf/inet_sock_set_state")
int synanvil_connections(__u64 *ctx)
{
	connection_seen((struct sock *)ctx[0], (void *)ctx[0], (int)ctx[1], (int)ctx[2], false);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int synanvil_connections_again(__u64 *ctx)
{
	connection_seen((struct sock *)ctx[0], (void *)ctx[0], (int)ctx[1], (int)ctx[2], true);
	return 0;
}

/* "GPL" is what the kernel asks for its helpers; the file itself is GPL-2.0-or-later. */
char program_license[] SEC("license") = "GPL";
