/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configured interfaces: which of them exist, and what is attached to each. Follows the kernel
 * through rtnetlink, so that an interface is attached when it appears and again when it returns
 * under another index.
 *
 * Owns the interface list of struct daemon, the links and the netlink socket.
 */
#ifndef AGENT_INTERFACES_H
#define AGENT_INTERFACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

struct daemon;
struct event;
struct mnl_socket;

enum interface_mode { INTERFACE_DETACHED, INTERFACE_NATIVE, INTERFACE_GENERIC };

struct interface {
	char name[SA_INTERFACE_NAME_SIZE];
	uint32_t ifindex; /* 0: does not exist at present */
	uint32_t mtu;
	enum interface_mode mode;
	int link;    /* -1 unless attached */
	bool warned; /* its absence or the failure to attach was reported once */
};

struct interfaces {
	struct interface items[SA_INTERFACE_SLOTS]; /* in the order of the configuration */
	size_t count;
	struct mnl_socket *netlink;
	struct event *readable;
};

/* "native", "generic", or NULL if nothing is attached. */
const char *interface_mode_name(enum interface_mode mode);

static inline bool interface_attached(const struct interface *interface)
{
	return interface->mode != INTERFACE_DETACHED;
}

#endif
