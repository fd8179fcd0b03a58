/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settings.c: which id, slot and row a service or interface gets, from what the settings in force
 * have.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "settings.h"

static struct config_service any(uint16_t port)
{
	return (struct config_service){ .any_address = true, .port = port };
}

static struct config_service on(uint64_t low, uint16_t port)
{
	return (struct config_service){ .address = { .low_be = low }, .port = port };
}

static struct config example(void)
{
	struct config config = {
		.service_count = 1,
		.enforce = true,
		.rate_time_unit_s = 60,
		.ipv4_prefix_length = 32,
		.ipv6_prefix_length = 84,
	};

	config.services[0] = any(25);
	return config;
}

static struct settings_plan build(const struct config *config, const struct sa_settings *in_force)
{
	struct settings_plan plan;

	assert_int_equal(settings_build(config, in_force, &plan), 0);
	return plan;
}

static void from_nothing(void **state)
{
	const struct config config = example();
	const struct sa_settings nothing = {};
	const struct settings_plan plan = build(&config, &nothing);

	(void)state;
	assert_int_equal(plan.settings.enforcement, SA_ENFORCE);
	assert_int_equal(plan.settings.rate_unit_ms, 60000);
	assert_int_equal(plan.settings.service_count, 1);
	assert_int_equal(plan.settings.services[0].port_be, htons(25));
	assert_int_equal(plan.settings.services[0].any_address, 1);
	assert_true(plan.settings.services[0].id != 0);
	assert_true(plan.settings.next_service_id > plan.settings.services[0].id);
	assert_int_equal(plan.fresh_services, 1U << plan.settings.services[0].slot);
	assert_int_equal(plan.settings.cache_classification, 1);
}

static void limits_and_mode(void **state)
{
	const struct sa_settings nothing = {};
	struct config config = example();
	struct settings_plan plan;

	(void)state;
	config.enforce = false;
	config.services[0].connection_rate_limit = 30;
	config.services[0].connection_count_limit = 50;
	config.services[0].process_limit = 100;
	config.rate_time_unit_s = UINT32_MAX;
	plan = build(&config, &nothing);
	assert_int_equal(plan.settings.enforcement, SA_MONITOR);
	assert_int_equal(plan.settings.services[0].rate_limit, 30);
	assert_int_equal(plan.settings.services[0].connection_limit, 50);
	assert_int_equal(plan.settings.services[0].process_limit, 100);
	assert_int_equal(plan.settings.rate_unit_ms, UINT32_MAX);
}

static void masks(void **state)
{
	static const struct {
		uint8_t ipv4, ipv6;
		uint8_t ipv4_bytes[16], ipv6_bytes[16];
		uint32_t cache;
	} rows[] = {
		{ 32,
		  84,
		  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
		    255 },
		  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0xf0 },
		  1 },
		{ 25,
		  128,
		  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
		    0x80 },
		  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
		    255 },
		  1 },
		{ 0,
		  64,
		  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 },
		  { 255, 255, 255, 255, 255, 255, 255, 255 },
		  1 },
		{ 24,
		  63,
		  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 },
		  { 255, 255, 255, 255, 255, 255, 255, 0xfe },
		  0 },
		{ 32,
		  0,
		  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
		    255 },
		  { 0 },
		  0 },
	};
	const struct sa_settings nothing = {};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config config = example();
		struct settings_plan plan;

		config.ipv4_prefix_length = rows[i].ipv4;
		config.ipv6_prefix_length = rows[i].ipv6;
		plan = build(&config, &nothing);
		assert_memory_equal(&plan.settings.mask_ipv4, rows[i].ipv4_bytes, 16);
		assert_memory_equal(&plan.settings.mask_ipv6, rows[i].ipv6_bytes, 16);
		assert_int_equal(plan.settings.cache_classification, rows[i].cache);
	}
}

static void addresses_stand_first(void **state)
{
	const struct sa_settings nothing = {};
	struct config config = example();
	struct settings_plan plan;

	(void)state;
	config.services[1] = on(7, 25);
	config.services[2] = any(587);
	config.services[3] = on(8, 25);
	config.service_count = 4;
	plan = build(&config, &nothing);
	assert_int_equal(plan.settings.services[0].address.low_be, 7);
	assert_int_equal(plan.settings.services[1].address.low_be, 8);
	assert_int_equal(plan.settings.services[2].port_be, htons(25));
	assert_int_equal(plan.settings.services[3].port_be, htons(587));
	assert_ptr_equal(settings_service(&plan.settings, &config.services[3]),
			 &plan.settings.services[1]);
	assert_ptr_equal(
		settings_service_by_id(&plan.settings, &config, plan.settings.services[2].id),
		&config.services[0]);
	assert_null(settings_service_by_id(&plan.settings, &config, plan.settings.next_service_id));
}

static void what_stays_keeps_id_and_slot(void **state)
{
	const struct sa_settings nothing = {};
	struct config config = example();
	struct settings_plan first, second;

	(void)state;
	config.services[1] = any(587);
	config.services[2] = on(7, 25);
	config.service_count = 3;
	first = build(&config, &nothing);
	config.services[0] = on(7, 25); /* stays */
	config.services[1] = any(465);  /* new */
	config.services[2] = any(25);   /* stays */
	config.services[2].connection_rate_limit = 9;
	second = build(&config, &first.settings);
	for (int i = 0; i < 3; i += 2) {
		const struct sa_service *old =
			settings_service(&first.settings, &config.services[i]);
		const struct sa_service *new =
			settings_service(&second.settings, &config.services[i]);

		assert_int_equal(old->id, new->id);
		assert_int_equal(old->slot, new->slot);
	}
	assert_int_equal(settings_service(&second.settings, &config.services[2])->rate_limit, 9);
	assert_int_equal(settings_service(&second.settings, &config.services[1])->id,
			 first.settings.next_service_id);
	assert_int_equal(second.fresh_services,
			 1U << settings_service(&second.settings, &config.services[1])->slot);
}

/* An address that differs only in its upper half, and the same port with and without address, are
 * services apart. */
static void services_are_told_apart(void **state)
{
	const struct sa_settings nothing = {};
	struct config config = example();
	struct config_service other = on(7, 25);
	struct settings_plan plan;

	(void)state;
	config.services[0] = on(7, 25);
	plan = build(&config, &nothing);
	other.address.high_be = 1;
	assert_null(settings_service(&plan.settings, &other));
	other = any(25);
	assert_null(settings_service(&plan.settings, &other));
	other = on(7, 26);
	assert_null(settings_service(&plan.settings, &other));
	other = on(7, 25);
	assert_non_null(settings_service(&plan.settings, &other));
}

/* Two full generations that have nothing in common: no slot of the old one may be written by the
 * new one. */
static void slots_never_collide(void **state)
{
	struct sa_settings in_force = {};

	(void)state;
	for (uint16_t round = 0; round < 50; round++) {
		struct config config = example();
		struct settings_plan plan;
		uint32_t used = 0, old = 0;

		config.service_count = 1 + (round * 7U) % SA_SERVICES_MAX;
		for (uint16_t i = 0; i < config.service_count; i++)
			config.services[i] = any((uint16_t)(1000 + round * 3 + i));
		plan = build(&config, &in_force);
		for (uint32_t i = 0; i < in_force.service_count; i++)
			old |= 1U << in_force.services[i].slot;
		for (uint32_t i = 0; i < plan.settings.service_count; i++) {
			assert_true(plan.settings.services[i].slot < SA_SERVICE_SLOTS);
			assert_false(used & 1U << plan.settings.services[i].slot);
			used |= 1U << plan.settings.services[i].slot;
		}
		assert_int_equal(plan.fresh_services & old, 0);
		assert_int_equal(plan.fresh_services | (used & old), used);
		in_force = plan.settings;
	}
}

static void smaller_sources_start_anew(void **state)
{
	const struct sa_settings nothing = {};
	struct config config = example();
	struct settings_plan first, longer, shorter;

	(void)state;
	config.ipv6_prefix_length = 64;
	first = build(&config, &nothing);
	config.ipv6_prefix_length = 84;
	longer = build(&config, &first.settings);
	assert_int_not_equal(longer.settings.services[0].id, first.settings.services[0].id);
	assert_int_equal(longer.settings.services[0].slot, first.settings.services[0].slot);
	assert_int_equal(longer.fresh_services, 0);
	config.ipv6_prefix_length = 48;
	config.ipv4_prefix_length = 24;
	shorter = build(&config, &longer.settings);
	assert_int_equal(shorter.settings.services[0].id, longer.settings.services[0].id);
	config.ipv4_prefix_length = 25;
	longer = build(&config, &shorter.settings);
	assert_int_not_equal(longer.settings.services[0].id, shorter.settings.services[0].id);
}

static void live_counts_begin_anew_with_masks_and_services(void **state)
{
	const struct sa_settings nothing = {};
	struct config config = example();
	char name[] = "eth0", *one[] = { name, NULL };
	struct settings_plan first = build(&config, &nothing), next;

	(void)state;
	assert_int_equal(first.settings.epoch, 1);
	config.services[0].connection_count_limit = 5;
	config.enforce = false;
	config.interface_count = 1;
	config.interfaces = one;
	next = build(&config, &first.settings);
	assert_int_equal(next.settings.epoch, 1);
	config.ipv4_prefix_length = 24;
	next = build(&config, &first.settings);
	assert_int_equal(next.settings.epoch, 2);
	first = next;
	config.ipv4_prefix_length = 32;
	next = build(&config, &first.settings);
	assert_int_equal(next.settings.epoch, 3);
	first = next;
	config.service_count = 2;
	config.services[1] = on(7, 25);
	next = build(&config, &first.settings);
	assert_int_equal(next.settings.epoch, 4);
	first = next;
	config.service_count = 1;
	next = build(&config, &first.settings);
	assert_int_equal(next.settings.epoch, 5);
	first = next;
	config.services[0] = any(26);
	next = build(&config, &first.settings);
	assert_int_equal(next.settings.epoch, 6);
}

static void ids_run_out(void **state)
{
	const struct config config = example();
	const struct sa_settings in_force = { .next_service_id = UINT32_MAX };
	struct settings_plan plan = { .fresh_services = 77 };

	(void)state;
	assert_int_equal(settings_build(&config, &in_force, &plan), -EOVERFLOW);
	assert_int_equal(plan.fresh_services, 77);
}

static void interfaces_keep_slot_by_name(void **state)
{
	const struct sa_settings nothing = {};
	char *two[] = { "eth0", "eth1", NULL }, *other[] = { "eth1", "eth2", NULL };
	struct config config = example();
	struct settings_plan first, second;
	uint32_t slot;

	(void)state;
	config.interfaces = two;
	config.interface_count = 2;
	first = build(&config, &nothing);
	slot = settings_interface_slot(&first.settings, "eth1");
	assert_int_not_equal(slot, 0);
	assert_int_equal(settings_interface_slot(&first.settings, "eth2"), 0);
	assert_true(settings_interface_place(&first.settings, "eth1", 9));
	assert_false(settings_interface_place(&first.settings, "eth1", 9));
	assert_false(settings_interface_place(&first.settings, "eth2", 9));
	config.interfaces = other;
	second = build(&config, &first.settings);
	assert_int_equal(settings_interface_slot(&second.settings, "eth1"), slot);
	assert_int_equal(second.settings.interfaces[slot].ifindex, 9);
	assert_int_equal(settings_interface_slot(&second.settings, "eth0"), 0);
	assert_int_equal(second.fresh_interfaces,
			 1U << settings_interface_slot(&second.settings, "eth2"));
	/* eth0's slot is still written to until the switch, and there are others. */
	assert_int_not_equal(settings_interface_slot(&second.settings, "eth2"),
			     settings_interface_slot(&first.settings, "eth0"));
	assert_int_equal(second.settings.interfaces[0].name[0], '\0');
}

static void all_interfaces_replaced(void **state)
{
	char names[2][SA_INTERFACE_SLOTS][SA_INTERFACE_NAME_SIZE],
		*lists[2][SA_INTERFACE_SLOTS] = {};
	struct config config = example();
	struct sa_settings in_force = {};

	(void)state;
	config.interface_count = SA_INTERFACE_SLOTS - 1;
	for (int round = 0; round < 2; round++) {
		struct settings_plan plan;
		uint32_t used = 0;

		for (size_t i = 0; i < config.interface_count; i++) {
			(void)snprintf(names[round][i], sizeof(names[round][i]), "if%d-%u", round,
				       (unsigned)i % 100);
			lists[round][i] = names[round][i];
		}
		config.interfaces = lists[round];
		plan = build(&config, &in_force);
		for (size_t i = 0; i < config.interface_count; i++)
			used |= 1U << settings_interface_slot(&plan.settings, lists[round][i]);
		assert_int_equal(used, (1U << SA_INTERFACE_SLOTS) - 2);
		assert_int_equal(plan.fresh_interfaces, used);
		in_force = plan.settings;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_nothing),
		cmocka_unit_test(limits_and_mode),
		cmocka_unit_test(masks),
		cmocka_unit_test(addresses_stand_first),
		cmocka_unit_test(what_stays_keeps_id_and_slot),
		cmocka_unit_test(services_are_told_apart),
		cmocka_unit_test(slots_never_collide),
		cmocka_unit_test(smaller_sources_start_anew),
		cmocka_unit_test(live_counts_begin_anew_with_masks_and_services),
		cmocka_unit_test(ids_run_out),
		cmocka_unit_test(interfaces_keep_slot_by_name),
		cmocka_unit_test(all_interfaces_replaced),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
