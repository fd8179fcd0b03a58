/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question to sock_diag for one connection: the kernel looks it up, it lists nothing.
 */
#include "socket_owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "prefix.h"

#define ANSWER_SIZE 8192

/* inet_diag keeps IPv4 in the first of four words. */
static void diag_address(const struct sa_address *address, bool ipv4, __be32 ret[static 4])
{
	const uint8_t *bytes = (const uint8_t *)address;

	memset(ret, 0, 16);
	if (ipv4)
		memcpy(ret, bytes + 12, 4);
	else
		memcpy(ret, bytes, 16);
}

static bool is_ipv4(const struct sa_address *address)
{
	struct prefix full;

	prefix_of(address, 128, &full);
	return prefix_is_ipv4(&full);
}

static void question_fill(char *buffer, const struct socket_end *local,
			  const struct socket_end *remote)
{
	const bool ipv4 = is_ipv4(&remote->address);
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;

	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_REQUEST;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->sdiag_family = ipv4 ? AF_INET : AF_INET6;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = 1U << TCP_ESTABLISHED | 1U << TCP_CLOSE_WAIT;
	request->id.idiag_sport = htons(local->port);
	request->id.idiag_dport = htons(remote->port);
	diag_address(&local->address, ipv4, request->id.idiag_src);
	diag_address(&remote->address, ipv4, request->id.idiag_dst);
	request->id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	request->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

struct finding {
	const struct inet_diag_sockid *wanted;
	uint32_t user;
	bool found;
};

/* The handshake is done, and whose end this is has not closed it: the peer may have, who sends all
 * that it has to say at once. */
static bool is_open(const struct inet_diag_msg *message)
{
	return message->idiag_state == TCP_ESTABLISHED || message->idiag_state == TCP_CLOSE_WAIT;
}

/* Where there is no such connection the kernel may answer with what listens there. */
static int answer_read(const struct nlmsghdr *header, void *context)
{
	struct finding *finding = context;
	const struct inet_diag_msg *message;

	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*message))
		return MNL_CB_OK;
	message = mnl_nlmsg_get_payload(header);
	if (!is_open(message) || message->id.idiag_sport != finding->wanted->idiag_sport ||
	    message->id.idiag_dport != finding->wanted->idiag_dport)
		return MNL_CB_OK;
	finding->user = message->idiag_uid;
	finding->found = true;
	return MNL_CB_STOP;
}

static void mnl_cleanup(struct mnl_socket **socket)
{
	if (*socket)
		(void)mnl_socket_close(*socket);
}

int socket_owner(const struct socket_end *local, const struct socket_end *remote,
		 uint32_t *ret_user)
{
	_cleanup_(mnl_cleanup) struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char buffer[ANSWER_SIZE] __attribute__((aligned(8)));
	char question[256] __attribute__((aligned(8)));
	struct finding finding = { 0 };
	ssize_t size;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	if (is_ipv4(&local->address) != is_ipv4(&remote->address))
		return -ENOENT;
	question_fill(question, local, remote);
	finding.wanted = &((struct inet_diag_req_v2 *)mnl_nlmsg_get_payload((void *)question))->id;
	if (mnl_socket_sendto(socket, question, ((struct nlmsghdr *)(void *)question)->nlmsg_len) <
	    0)
		return -errno;
	size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (size < 0)
		return -errno;
	if (mnl_cb_run(buffer, (size_t)size, 0, mnl_socket_get_portid(socket), answer_read,
		       &finding) < 0)
		return -errno;
	if (!finding.found)
		return -ENOENT;
	*ret_user = finding.user;
	return 0;
}

static int end_of(const struct sockaddr_storage *storage, struct socket_end *ret_end)
{
	const struct sockaddr_in *v4 = (const void *)storage;
	const struct sockaddr_in6 *v6 = (const void *)storage;
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

	if (storage->ss_family == AF_INET) {
		memcpy(bytes + 12, &v4->sin_addr, 4);
		ret_end->port = ntohs(v4->sin_port);
	} else if (storage->ss_family == AF_INET6) {
		memcpy(bytes, &v6->sin6_addr, 16);
		ret_end->port = ntohs(v6->sin6_port);
	} else {
		return -EAFNOSUPPORT;
	}
	memcpy(&ret_end->address, bytes, sizeof(bytes));
	return 0;
}

int socket_peer_user(int fd, uint32_t *ret_user)
{
	struct sockaddr_storage own = { 0 }, peer = { 0 };
	socklen_t own_size = sizeof(own), peer_size = sizeof(peer);
	struct socket_end own_end, peer_end;
	struct ucred credentials;
	socklen_t size = sizeof(credentials);
	int error;

	if (getsockname(fd, (struct sockaddr *)&own, &own_size) < 0)
		return -errno;
	if (own.ss_family == AF_UNIX) {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
			return -errno;
		*ret_user = credentials.uid;
		return 0;
	}
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) < 0)
		return -errno;
	error = end_of(&own, &own_end);
	if (!error)
		error = end_of(&peer, &peer_end);
	return error ? error : socket_owner(&peer_end, &own_end, ret_user);
}
