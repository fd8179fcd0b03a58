/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Destination to protected service. Reads the settings in force, once per packet, so that one
 * packet is judged by one configuration. Writes nothing.
 */
#ifndef BPF_SERVICE_H
#define BPF_SERVICE_H

#include "attempt.bpf.h"
#include "maps.bpf.h"
#include "speculation.bpf.h"

static __always_inline const struct sa_settings *settings_in_force(__u32 *ret_index)
{
	__u32 zero = 0, *index = bpf_map_lookup_elem(&active, &zero);

	*ret_index = index ? *index & 1 : 0;
	return bpf_map_lookup_elem(&settings, ret_index);
}

/* 0 where it is not known. */
static __always_inline __u64 generation_in_force(void)
{
	__u32 zero = 0;
	const __u64 *number = bpf_map_lookup_elem(&generation, &zero);

	return number ? *number : 0;
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
 * Rows with an address stand first, so the first match is the closest one. What the row says is
 * copied: a pointer to it would have the verifier follow the rest of the way once for each row.
 */
PART int service_find(const struct sa_settings *set, struct attempt *attempt)
{
	if (!GIVEN(set && attempt))
		return STAGE_NOT_OURS;
	for (__u32 i = 0; i < SA_SERVICES_MAX && i < set->service_count; i++) {
		const struct sa_service *service = &set->services[i];

		if (!service_matches(service, &attempt->packet))
			continue;
		KEPT(service);
		attempt->key.service = service->id;
		attempt->service_slot = service->slot;
		attempt->rate_limit = service->rate_limit;
		attempt->rate_unit_ms = set->rate_unit_ms;
		attempt->epoch = set->epoch;
		attempt->connection_limit = service->connection_limit;
		attempt->process_limit = service->process_limit;
		attempt->behind_proxy = service->behind_proxy;
		attempt->enforced = set->enforcement == SA_ENFORCE;
		return STAGE_CONTINUE;
	}
	return STAGE_NOT_OURS;
}

#endif
