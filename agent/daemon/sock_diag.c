/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sock_diag over libmnl: one dump for each family, one part of it each time the socket is readable.
 */
#include "sock_diag.h"

#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "cleanup.h"

/* What the kernel puts into one part: about 300 sockets, half a millisecond's work. */
#define RECEIVE_SIZE 32768

/* The kernel answers at once; this long it may be kept from doing so. */
#define ANSWER_S 10

struct sock_diag {
	struct event_base *loop;
	struct sock_diag_listener listener;
	struct mnl_socket *socket;
	struct event *readable;
	unsigned sequence;
	uint8_t family; /* AF_INET, then AF_INET6; 0: nothing is under way */
};

static int message_read(const struct nlmsghdr *message, void *context)
{
	const struct sock_diag *diag = context;
	struct sock_diag_socket found;

	if (sock_diag_decode(message, &found))
		diag->listener.found(&found, diag->listener.context);
	return MNL_CB_OK;
}

static int ask(struct sock_diag *diag, uint8_t family)
{
	char buffer[NLMSG_ALIGN(sizeof(struct nlmsghdr)) + sizeof(struct inet_diag_req_v2)] = {};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = ++diag->sequence;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = 1U << TCP_ESTABLISHED | 1U << TCP_CLOSE_WAIT;
	if (mnl_socket_sendto(diag->socket, message, message->nlmsg_len) < 0)
		return -errno;
	diag->family = family;
	return 0;
}

/* One part of the list. 1 if there is more, 0 at the end of both families, or -errno. */
static int part_read(struct sock_diag *diag)
{
	char buffer[RECEIVE_SIZE];
	ssize_t size = mnl_socket_recvfrom(diag->socket, buffer, sizeof(buffer));
	int more;

	if (size < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	more = mnl_cb_run(buffer, (size_t)size, diag->sequence, mnl_socket_get_portid(diag->socket),
			  message_read, diag);
	if (more < 0)
		return -errno;
	if (more > 0)
		return 1;
	if (diag->family == AF_INET6)
		return 0;
	more = ask(diag, AF_INET6);
	return more ? more : 1;
}

/* A kernel without IPv6 says to the second question that there is no such thing: then the list is
 * complete. */
static int part_result(const struct sock_diag *diag, int more)
{
	return more == -ENOENT && diag->family == AF_INET6 ? 0 : more;
}

static void socket_close(struct sock_diag *diag)
{
	if (diag->readable)
		event_free(diag->readable);
	if (diag->socket)
		(void)mnl_socket_close(diag->socket);
	diag->readable = NULL;
	diag->socket = NULL;
	diag->family = 0;
}

/* Also where it was this process that stood still for so long. */
static bool answer_is_there(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, 0) > 0;
}

static void part_due(evutil_socket_t fd, short what, void *context)
{
	struct sock_diag *diag = context;
	int more;

	more = what & EV_TIMEOUT && !answer_is_there(fd) ? -ETIMEDOUT
							 : part_result(diag, part_read(diag));
	if (more > 0)
		return;
	socket_close(diag);
	diag->listener.done(more, diag->listener.context);
}

/* A socket for each list: whatever was left of one before is gone. */
static int socket_open(struct sock_diag *diag)
{
	socket_close(diag);
	diag->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!diag->socket || mnl_socket_bind(diag->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return ask(diag, AF_INET);
}

int sock_diag_start(struct sock_diag *diag)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	int error = socket_open(diag);

	if (!error) {
		diag->readable = event_new(diag->loop, mnl_socket_get_fd(diag->socket),
					   EV_READ | EV_PERSIST, part_due, diag);
		if (!diag->readable || event_add(diag->readable, &patience))
			error = -ENOMEM;
	}
	if (error)
		socket_close(diag);
	return error;
}

int sock_diag_run(struct sock_diag *diag)
{
	int more = socket_open(diag);

	for (more = more ? more : 1; more > 0;) {
		struct pollfd wait = { .fd = mnl_socket_get_fd(diag->socket), .events = POLLIN };
		int ready = poll(&wait, 1, ANSWER_S * 1000);

		if (ready == 0)
			more = -ETIMEDOUT;
		else if (ready > 0)
			more = part_result(diag, part_read(diag));
		else if (errno != EINTR)
			more = -errno;
	}
	socket_close(diag);
	return more;
}

int sock_diag_new(struct event_base *loop, const struct sock_diag_listener *listener,
		  struct sock_diag **ret_diag)
{
	struct sock_diag *diag = calloc(1, sizeof(*diag));

	if (!diag)
		return -ENOMEM;
	*diag = (struct sock_diag){ .loop = loop, .listener = *listener };
	*ret_diag = diag;
	return 0;
}

struct sock_diag *sock_diag_free(struct sock_diag *diag)
{
	if (diag)
		socket_close(diag);
	free(diag);
	return NULL;
}
