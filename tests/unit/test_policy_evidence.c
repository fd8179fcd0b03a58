/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who delivers: which policy requests become evidence for advice about limits, and under which key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "evidence.h"
#include "policy_lab.h"

#define ID   9
#define IPV4 "192.0.2.1"
#define IPV6 "2001:db8:0:0:0:1fff::9"

static int setup(void **state)
{
	struct policy_lab *lab;

	assert_int_equal(lab_setup(state), 0);
	lab = *state;
	lab->daemon.settings.service_count = 1;
	lab->daemon.settings.services[0] =
		(struct sa_service){ .id = ID, .port_be = __builtin_bswap16(25), .any_address = 1 };
	/* /32 and /84, in network order. */
	lab->daemon.settings.mask_ipv4 = (struct sa_address){ UINT64_MAX, UINT64_MAX };
	lab->daemon.settings.mask_ipv6 =
		(struct sa_address){ UINT64_MAX, __builtin_bswap64(~0ULL << 44) };
	return evidence_new(&lab->daemon.evidence);
}

static int teardown(void **state)
{
	struct policy_lab *lab = *state;

	lab->daemon.evidence = evidence_free(lab->daemon.evidence);
	return lab_teardown(state);
}

/* The client's source, of length bits, as the packet path has it. */
static bool delivers(struct policy_lab *lab, const char *client, uint8_t length)
{
	const struct sa_address address = address_of(client);
	struct sa_source_key key = { .service = ID };
	struct prefix source;

	prefix_of(&address, length, &source);
	memcpy(key.address, source.address, sizeof(key.address));
	return peaks_find(&lab->daemon.evidence->delivering, &key, lab->now.ms);
}

static void what_comes_with_recipients_delivers(void **state)
{
	struct policy_lab *lab = *state;

	assert_string_equal(ask(lab, POLICY_CONNECT, IPV4, NULL), "DUN");
	assert_string_equal(ask(lab, POLICY_MAIL, IPV4, NULL), "DUN");
	assert_string_equal(ask(lab, POLICY_RCPT, IPV4, "1"), "DUN");
	assert_false(delivers(lab, IPV4, 128));
	assert_string_equal(ask(lab, POLICY_DATA, IPV4, "1"), "DUN");
	assert_true(delivers(lab, IPV4, 128));
	assert_false(delivers(lab, "192.0.2.2", 128));
	assert_string_equal(ask(lab, POLICY_END_OF_MESSAGE, "192.0.2.2", "2"), "DUN");
	assert_true(delivers(lab, "192.0.2.2", 128));
}

static void sources_are_those_of_the_packet_path(void **state)
{
	struct policy_lab *lab = *state;

	(void)ask(lab, POLICY_DATA, IPV6, "1");
	assert_true(delivers(lab, IPV6, 84));
	assert_true(delivers(lab, "2001:db8:0:0:0:1000::1", 84));
	assert_false(delivers(lab, "2001:db8:0:0:0:2000::1", 84));
}

static void refused_mail_is_not_delivered(void **state)
{
	struct policy_lab *lab = *state;

	limit(lab, 1, 0);
	(void)ask(lab, POLICY_RCPT, IPV4, "1");
	assert_string_equal(ask(lab, POLICY_DATA, IPV4, "2"), "450");
	assert_false(delivers(lab, IPV4, 128));
	/* In monitor mode it was. */
	lab->config.enforce = false;
	assert_string_equal(ask(lab, POLICY_DATA, IPV4, "3"), "DUN");
	assert_true(delivers(lab, IPV4, 128));
}

static void of_no_service_or_client_nothing_is_known(void **state)
{
	struct policy_lab *lab = *state;
	struct policy_request request = asks(POLICY_DATA, IPV4, "1");

	request.server_port = 2525;
	(void)answer(lab, &request);
	assert_false(delivers(lab, IPV4, 128));
	request = asks(POLICY_DATA, IPV4, "2");
	request.client_known = false;
	(void)answer(lab, &request);
	assert_false(delivers(lab, IPV4, 128));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_comes_with_recipients_delivers),
		TEST(sources_are_those_of_the_packet_path),
		TEST(refused_mail_is_not_delivered),
		TEST(of_no_service_or_client_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
