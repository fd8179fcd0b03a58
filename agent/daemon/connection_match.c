/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection_match.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_mapped(const struct sa_address *address)
{
	return !address->high_be && (uint32_t)address->low_be == htonl(0x0000ffff);
}

static bool service_has(const struct sa_service *service, const struct sock_diag_socket *socket)
{
	if (service->port_be != socket->local_port_be)
		return false;
	return service->any_address || (service->address.low_be == socket->local.low_be &&
					service->address.high_be == socket->local.high_be);
}

bool connection_match(const struct sa_settings *settings, const struct sock_diag_socket *socket,
		      struct sa_connection *ret_connection)
{
	const struct sa_address *mask =
		is_mapped(&socket->remote) ? &settings->mask_ipv4 : &settings->mask_ipv6;
	const struct sa_address masked = {
		.high_be = socket->remote.high_be & mask->high_be,
		.low_be = socket->remote.low_be & mask->low_be,
	};

	for (uint32_t i = 0; i < settings->service_count && i < SA_SERVICES_MAX; i++) {
		const struct sa_service *service = &settings->services[i];

		if (!service_has(service, socket))
			continue;
		*ret_connection = (struct sa_connection){ .source.service = service->id,
							  .slot = (uint16_t)service->slot };
		memcpy(ret_connection->source.address, &masked, sizeof(masked));
		return true;
	}
	return false;
}
