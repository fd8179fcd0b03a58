/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rtnetlink socket. When its buffer overflowed the kernel says so, and the listener is told to
 * look.
 */
#include "link_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "cleanup.h"

#define RECEIVE_SIZE 16384

/* The kernel sends no message when somebody takes an XDP link away, or frees an interface that is
 * down of one. */
#define LOOK_AGAIN_S 5

struct link_watch {
	struct mnl_socket *socket;
	struct event *readable;
	struct event *timer;
	struct link_listener listener;
	bool concerned; /* while a burst of messages is read */
};

static int attribute_name(const struct nlattr *attribute, void *context)
{
	const char **name = context;

	if (mnl_attr_get_type(attribute) == IFLA_IFNAME &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
		*name = mnl_attr_get_str(attribute);
	return MNL_CB_OK;
}

static int message_read(const struct nlmsghdr *message, void *context)
{
	struct link_watch *watch = context;
	const struct ifinfomsg *info;
	const char *name = "";

	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return MNL_CB_OK;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*info))
		return MNL_CB_OK;
	info = mnl_nlmsg_get_payload(message);
	(void)mnl_attr_parse(message, sizeof(*info), attribute_name, &name);
	if (watch->listener.concerns(name, (uint32_t)info->ifi_index, watch->listener.context))
		watch->concerned = true;
	return MNL_CB_OK;
}

static void read_all(evutil_socket_t socket, short what, void *context)
{
	struct link_watch *watch = context;
	char buffer[RECEIVE_SIZE];

	(void)socket, (void)what;
	watch->concerned = false;
	for (;;) {
		ssize_t size = mnl_socket_recvfrom(watch->socket, buffer, sizeof(buffer));

		if (size > 0)
			(void)mnl_cb_run(buffer, (size_t)size, 0, 0, message_read, watch);
		else if (size < 0 && (errno == ENOBUFS || errno == ENOSPC))
			watch->concerned = true;
		else if (size == 0 || errno != EINTR)
			break;
	}
	if (watch->concerned)
		watch->listener.changed(watch->listener.context);
}

static void look_again(evutil_socket_t socket, short what, void *context)
{
	const struct link_watch *watch = context;

	(void)socket, (void)what;
	watch->listener.changed(watch->listener.context);
}

static void watch_free(struct link_watch **watch)
{
	*watch = link_watch_free(*watch);
}

int link_watch_new(struct event_base *loop, const struct link_listener *listener,
		   struct link_watch **ret_watch)
{
	_cleanup_(watch_free) struct link_watch *watch = calloc(1, sizeof(*watch));
	const struct timeval interval = { LOOK_AGAIN_S, 0 };

	if (!watch)
		return -ENOMEM;
	watch->listener = *listener;
	watch->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->socket || mnl_socket_bind(watch->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	watch->readable = event_new(loop, mnl_socket_get_fd(watch->socket), EV_READ | EV_PERSIST,
				    read_all, watch);
	if (!watch->readable || event_add(watch->readable, NULL))
		return -ENOMEM;
	watch->timer = event_new(loop, -1, EV_PERSIST, look_again, watch);
	if (!watch->timer || event_add(watch->timer, &interval))
		return -ENOMEM;
	*ret_watch = TAKE_PTR(watch);
	return 0;
}

struct link_watch *link_watch_free(struct link_watch *watch)
{
	if (watch) {
		if (watch->timer)
			event_free(watch->timer);
		if (watch->readable)
			event_free(watch->readable);
		if (watch->socket)
			(void)mnl_socket_close(watch->socket);
		free(watch);
	}
	return NULL;
}
