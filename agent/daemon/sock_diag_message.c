/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one message of sock_diag says.
 */
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "sock_diag.h"

static void address_read(uint8_t family, const __be32 words[4], struct sa_address *ret_address)
{
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET6)
		memcpy(mapped, words, sizeof(mapped));
	else
		memcpy(mapped + 12, words, sizeof(words[0]));
	memcpy(ret_address, mapped, sizeof(mapped));
}

bool sock_diag_decode(const struct nlmsghdr *message, struct sock_diag_socket *ret_socket)
{
	struct inet_diag_msg info;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(info))
		return false;
	memcpy(&info, mnl_nlmsg_get_payload(message), sizeof(info));
	if (info.idiag_family != AF_INET && info.idiag_family != AF_INET6)
		return false;
	*ret_socket = (struct sock_diag_socket){
		.cookie = (uint64_t)info.id.idiag_cookie[1] << 32 | info.id.idiag_cookie[0],
		.local_port_be = info.id.idiag_sport,
	};
	address_read(info.idiag_family, info.id.idiag_dst, &ret_socket->remote);
	address_read(info.idiag_family, info.id.idiag_src, &ret_socket->local);
	return ret_socket->cookie != 0;
}
