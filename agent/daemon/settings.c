/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings from configuration. Counter slots and service ids are handed out here and nowhere else;
 * what a slot or an id means never changes while packets may still be charged to it.
 */
#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define MILLISECONDS 1000U

static void mask_of(unsigned bits, struct sa_address *ret_mask)
{
	uint8_t bytes[16] = {};

	for (unsigned i = 0; i < sizeof(bytes); i++) {
		unsigned ones = bits >= 8 ? 8 : bits;

		bytes[i] = (uint8_t)(0xff00U >> ones);
		bits -= ones;
	}
	memcpy(ret_mask, bytes, sizeof(bytes));
}

/* Whether a has a bit that b lacks: then a source under a is a smaller network than under b. */
static bool mask_is_longer(const struct sa_address *a, const struct sa_address *b)
{
	return (a->high_be & ~b->high_be) || (a->low_be & ~b->low_be);
}

static bool address_equal(const struct sa_address *a, const struct sa_address *b)
{
	return a->high_be == b->high_be && a->low_be == b->low_be;
}

static bool same_service(const struct sa_service *row, const struct config_service *service)
{
	if (row->port_be != htons(service->port) || !!row->any_address != service->any_address)
		return false;
	return service->any_address || address_equal(&row->address, &service->address);
}

const struct sa_service *settings_service(const struct sa_settings *settings,
					  const struct config_service *service)
{
	for (uint32_t i = 0; i < settings->service_count && i < SA_SERVICES_MAX; i++)
		if (same_service(&settings->services[i], service))
			return &settings->services[i];
	return NULL;
}

const struct config_service *settings_service_by_id(const struct sa_settings *settings,
						    const struct config *config, uint32_t id)
{
	for (size_t i = 0; i < config->service_count; i++) {
		const struct sa_service *row = settings_service(settings, &config->services[i]);

		if (row && row->id == id)
			return &config->services[i];
	}
	return NULL;
}

static uint32_t service_slots(const struct sa_settings *settings)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < settings->service_count && i < SA_SERVICES_MAX; i++)
		used |= 1U << (settings->services[i].slot % SA_SERVICE_SLOTS);
	return used;
}

static void service_limits(struct sa_service *row, const struct config_service *service)
{
	row->rate_limit = service->connection_rate_limit;
	row->connection_limit = service->connection_count_limit;
	row->process_limit = service->process_limit;
}

struct numbering {
	uint32_t next_id;
	uint32_t taken_slots; /* by the old settings or the new */
	bool renew_ids;
};

static int service_add(struct settings_plan *plan, const struct config_service *service,
		       const struct sa_settings *in_force, struct numbering *numbering)
{
	struct sa_service *row = &plan->settings.services[plan->settings.service_count++];
	const struct sa_service *old = settings_service(in_force, service);

	*row = (struct sa_service){ .port_be = htons(service->port),
				    .any_address = service->any_address,
				    .behind_proxy = service->behind_proxy };
	if (!service->any_address)
		row->address = service->address;
	service_limits(row, service);
	if (old) {
		row->slot = old->slot;
	} else {
		/* Never empty: two generations of at most SA_SERVICES_MAX share twice as many
		 * slots. */
		row->slot = (uint32_t)__builtin_ctz(~numbering->taken_slots);
		numbering->taken_slots |= 1U << row->slot;
		plan->fresh_services |= 1U << row->slot;
	}
	if (old && !numbering->renew_ids) {
		row->id = old->id;
		return 0;
	}
	if (numbering->next_id == UINT32_MAX)
		return -EOVERFLOW;
	row->id = numbering->next_id++;
	return 0;
}

/* Rows with an address first: the packet path takes the first that matches. */
static int services_build(struct settings_plan *plan, const struct config *config,
			  const struct sa_settings *in_force)
{
	struct numbering numbering = {
		.next_id = in_force->next_service_id ? in_force->next_service_id : 1,
		.taken_slots = service_slots(in_force),
		.renew_ids = mask_is_longer(&plan->settings.mask_ipv4, &in_force->mask_ipv4) ||
			     mask_is_longer(&plan->settings.mask_ipv6, &in_force->mask_ipv6),
	};
	int error;

	for (int any = 0; any < 2; any++) {
		for (size_t i = 0; i < config->service_count; i++) {
			if (config->services[i].any_address != !!any)
				continue;
			error = service_add(plan, &config->services[i], in_force, &numbering);
			if (error)
				return error;
		}
	}
	plan->settings.next_service_id = numbering.next_id;
	return 0;
}

/*
 * Live counts go on as long as it is the same what a source is and what a service is; else they are
 * counted anew under another epoch, and nothing that was counted before is mistaken for theirs.
 */
static uint32_t epoch_next(const struct sa_settings *wanted, const struct sa_settings *in_force)
{
	bool same = address_equal(&wanted->mask_ipv4, &in_force->mask_ipv4) &&
		    address_equal(&wanted->mask_ipv6, &in_force->mask_ipv6) &&
		    wanted->service_count == in_force->service_count;

	for (uint32_t i = 0; same && i < wanted->service_count && i < SA_SERVICES_MAX; i++) {
		const struct sa_service *now = &wanted->services[i], *then = &in_force->services[i];

		same = now->id == then->id && now->slot == then->slot;
	}
	return same && in_force->epoch ? in_force->epoch : in_force->epoch + 1;
}

uint32_t settings_interface_slot(const struct sa_settings *settings, const char *name)
{
	for (uint32_t slot = 1; slot < SA_INTERFACE_SLOTS; slot++)
		if (strncmp(settings->interfaces[slot].name, name, SA_INTERFACE_NAME_SIZE) == 0)
			return slot;
	return 0;
}

bool settings_interface_place(struct sa_settings *settings, const char *name, uint32_t ifindex)
{
	uint32_t slot = settings_interface_slot(settings, name);

	if (!slot || settings->interfaces[slot].ifindex == ifindex)
		return false;
	settings->interfaces[slot].ifindex = ifindex;
	return true;
}

/*
 * A slot that nobody had, else one whose interface leaves with this reload. The latter may get a
 * few packets of the old interface between clearing and switch: there are only as many slots as
 * interfaces.
 */
static uint32_t interface_free_slot(const struct sa_settings *wanted,
				    const struct sa_settings *in_force)
{
	uint32_t leaving = 0;

	for (uint32_t slot = 1; slot < SA_INTERFACE_SLOTS; slot++) {
		if (wanted->interfaces[slot].name[0])
			continue;
		if (!in_force->interfaces[slot].name[0])
			return slot;
		if (!leaving)
			leaving = slot;
	}
	return leaving;
}

static void interfaces_build(struct settings_plan *plan, const struct config *config,
			     const struct sa_settings *in_force)
{
	struct sa_settings *wanted = &plan->settings;

	for (size_t i = 0; i < config->interface_count; i++) {
		uint32_t slot = settings_interface_slot(in_force, config->interfaces[i]);

		if (slot)
			wanted->interfaces[slot] = in_force->interfaces[slot];
	}
	for (size_t i = 0; i < config->interface_count; i++) {
		uint32_t slot;

		if (settings_interface_slot(wanted, config->interfaces[i]))
			continue;
		slot = interface_free_slot(wanted, in_force);
		if (!slot)
			continue;
		strncpy(wanted->interfaces[slot].name, config->interfaces[i],
			SA_INTERFACE_NAME_SIZE - 1);
		plan->fresh_interfaces |= 1U << slot;
	}
	for (uint32_t slot = 1; slot < SA_INTERFACE_SLOTS; slot++)
		wanted->interfaces[slot].slot = slot;
}

int settings_build(const struct config *config, const struct sa_settings *in_force,
		   struct settings_plan *ret_plan)
{
	struct settings_plan plan = {};
	uint64_t unit_ms = (uint64_t)config->rate_time_unit_s * MILLISECONDS;
	int error;

	mask_of(96U + config->ipv4_prefix_length, &plan.settings.mask_ipv4);
	mask_of(config->ipv6_prefix_length, &plan.settings.mask_ipv6);
	plan.settings.rate_unit_ms = unit_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)unit_ms;
	plan.settings.enforcement = config->enforce ? SA_ENFORCE : SA_MONITOR;
	/* With 64 bits or more in the key, the lower half of the address completes it; with fewer
	 * it would not. */
	plan.settings.cache_classification = config->ipv6_prefix_length >= 64;
	error = services_build(&plan, config, in_force);
	if (error)
		return error;
	interfaces_build(&plan, config, in_force);
	plan.settings.epoch = epoch_next(&plan.settings, in_force);
	*ret_plan = plan;
	return 0;
}
