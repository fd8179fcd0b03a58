/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Destination to protected service. Reads the settings in force, once per packet, so that one
 * packet is judged by one configuration. Writes nothing.
 */
#ifndef BPF_SERVICE_H
#define BPF_SERVICE_H

#include "attempt.bpf.h"
#include "maps.bpf.h"

static __always_inline const struct sa_settings *settings_in_force(__u32 *ret_index)
{
	__u32 zero = 0, *index = bpf_map_lookup_elem(&active, &zero);

	*ret_index = index ? *index & 1 : 0;
	return bpf_map_lookup_elem(&settings, ret_index);
}

static __always_inline bool service_matches(const struct sa_service *service,
					    const struct packet *packet)
{
	if (service->port_be != packet->destination_port_be)
		return false;
	return service->any_address || (service->address.low_be == packet->destination.low_be &&
					service->address.high_be == packet->destination.high_be);
}

/*
 * The row of the service that a packet goes to, or STAGE_NOT_OURS. Rows with an address stand
 * first, so the first match is the closest one. Global, so that the verifier takes its result for
 * any row and not for each in turn.
 */
__attribute__((noinline)) int service_row(__u32 index, const struct packet *packet)
{
	const struct sa_settings *set = bpf_map_lookup_elem(&settings, &index);

	if (!set || !packet)
		return STAGE_NOT_OURS;
	for (__u32 i = 0; i < SA_SERVICES_MAX && i < set->service_count; i++)
		if (service_matches(&set->services[i], packet))
			return i;
	return STAGE_NOT_OURS;
}

static __always_inline int service_find(struct attempt *attempt)
{
	int row;

	attempt->settings = settings_in_force(&attempt->index);
	row = service_row(attempt->index, &attempt->packet);
	if (!attempt->settings || row < 0 || row >= SA_SERVICES_MAX)
		return STAGE_NOT_OURS;
	attempt->service = &attempt->settings->services[row];
	return STAGE_CONTINUE;
}

#endif
