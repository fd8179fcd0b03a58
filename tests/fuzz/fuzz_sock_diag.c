/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of sock_diag's list, of any length and content: whatever comes, what is taken for a
 * connection of a service has the service's port and a masked address.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connection_match.h"
#include "sock_diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message_read(const struct nlmsghdr *message, const struct sa_settings *settings)
{
	struct sa_connection connection;
	struct sock_diag_socket socket;

	if (!sock_diag_decode(message, &socket))
		return;
	if (!socket.cookie)
		abort();
	if (!connection_match(settings, &socket, &connection))
		return;
	if (socket.local_port_be != htons(25) || connection.source.service != 7 ||
	    connection.source.address[15] || connection.slot != 3)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sa_settings settings = {
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.service_count = 1,
		.services[0] = { .any_address = 1, .port_be = htons(25), .id = 7, .slot = 3 },
	};
	struct nlmsghdr *message;

	if (size < sizeof(*message))
		return 0;
	message = malloc(size);
	if (!message)
		return 0;
	((uint8_t *)&settings.mask_ipv4)[15] = 0;
	memset(&settings.mask_ipv6, 0xff, 8);
	memcpy(message, data, size);
	/* The library sees to it that a message is as long as it says. */
	message->nlmsg_len = (uint32_t)size;
	message_read(message, &settings);
	free(message);
	return 0;
}
