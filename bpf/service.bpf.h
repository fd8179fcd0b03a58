/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Destination to protected service. Reads the settings in force, once per packet, so that one packet is judged by one
 * configuration. Writes nothing.
 */
#ifndef BPF_SERVICE_H
#define BPF_SERVICE_H

#include "maps.bpf.h"

static __always_inline const struct sa_settings *settings_in_force(__u32 *ret_index)
{
	__u32 zero = 0, *index = bpf_map_lookup_elem(&active, &zero);

	*ret_index = index ? *index & 1 : 0;
	return bpf_map_lookup_elem(&settings, ret_index);
}

static __always_inline bool service_matches(const struct sa_service *service, const struct packet *packet)
{
	if (service->port_be != packet->destination_port_be)
		return false;
	return service->any_address || (service->address.low_be == packet->destination.low_be &&
					service->address.high_be == packet->destination.high_be);
}

/* Rows with an address stand first, so the first match is the closest one. */
static __always_inline int service_find(struct attempt *attempt)
{
	attempt->settings = settings_in_force(&attempt->index);
	if (!attempt->settings)
		return STAGE_NOT_OURS;
	for (__u32 i = 0; i < SA_SERVICES_MAX; i++) {
		if (i >= attempt->settings->service_count)
			break;
		if (service_matches(&attempt->settings->services[i], &attempt->packet)) {
			attempt->service = &attempt->settings->services[i];
			return STAGE_CONTINUE;
		}
	}
	return STAGE_NOT_OURS;
}

#endif
