/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is read of the kernel's sockets, each struct with the members that are used and no more;
 * where they stand in the running kernel its BTF says when the program is loaded.
 */
#ifndef BPF_SOCKET_H
#define BPF_SOCKET_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "attempt.bpf.h"

#define KERNEL __attribute__((preserve_access_index))

/* Of the kernel's enum, which no header shows: part of what ss(8) and sock_diag rely on. */
#define SOCKET_ESTABLISHED 1
#define SOCKET_CLOSE_WAIT  8

#define FAMILY_IPV4        2
#define FAMILY_IPV6        10

struct net {
	__u64 net_cookie;
} KERNEL;

typedef struct {
	struct net *net;
} KERNEL possible_net_t;

typedef struct {
	__s64 counter;
} KERNEL atomic64_t;

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_num; /* the local port, in the host's byte order */
	unsigned short skc_family;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie; /* 0 until somebody asks for it */
} KERNEL;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
} KERNEL;

/* Postfix' view of a connection: its process holds it until it closes, whatever the client does. */
static __always_inline bool socket_is_live(int state)
{
	return state == SOCKET_ESTABLISHED || state == SOCKET_CLOSE_WAIT;
}

static __always_inline bool socket_is_of(const struct sock *sk, __u64 net_cookie)
{
	return sk->__sk_common.skc_net.net->net_cookie == net_cookie;
}

/*
 * What sock_diag calls it by. The helper gives one that has none; to read it costs a third of that.
 * asked: what the helper takes in that program: the socket, or a context.
 */
static __always_inline __u64 socket_cookie(const struct sock *sk, void *asked)
{
	__s64 cookie = *(const volatile __s64 *)&sk->__sk_common.skc_cookie.counter;

	return cookie ? (__u64)cookie : bpf_get_socket_cookie(asked);
}

static __always_inline struct sa_address address_mapped(__u32 address_be)
{
	return (struct sa_address){ .low_be = (__u64)address_be << 32 | bpf_htonl(0x0000ffff) };
}

static __always_inline bool address_is_mapped(const struct sa_address *address)
{
	return !address->high_be && (__u32)address->low_be == bpf_htonl(0x0000ffff);
}

/* The connection as the packet of its client says it. False for what is not TCP over IP. */
static __always_inline bool socket_read(const struct sock *sk, struct packet *packet)
{
	const struct sock_common *common = &sk->__sk_common;

	if (sk->sk_protocol != IPPROTO_TCP)
		return false;
	packet->destination_port_be = bpf_htons(common->skc_num);
	if (common->skc_family == FAMILY_IPV4) {
		packet->source = address_mapped(common->skc_daddr);
		packet->destination = address_mapped(common->skc_rcv_saddr);
		packet->family = SA_FAMILY_IPV4;
		return true;
	}
	if (common->skc_family != FAMILY_IPV6)
		return false;
	/* An IPv4 client of a socket for both families has its address mapped here. */
	BPF_CORE_READ_INTO(&packet->source, sk, __sk_common.skc_v6_daddr);
	BPF_CORE_READ_INTO(&packet->destination, sk, __sk_common.skc_v6_rcv_saddr);
	packet->family = address_is_mapped(&packet->source) ? SA_FAMILY_IPV4 : SA_FAMILY_IPV6;
	return true;
}

#endif
