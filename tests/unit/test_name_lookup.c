/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of hosts, with a name service that is dead, slow, or says no.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "name_lookup.h"

/* A question for "slow.example" is answered when somebody writes to this. */
static int answer_pipe[2];
static int reply; /* of the name service, to all names */
static unsigned asked;
static pthread_t asker;

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_addresses);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_addresses);

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_addresses)
{
	char byte;

	if (!host || (hints->ai_flags & AI_NUMERICHOST))
		return __real_getaddrinfo(host, service, hints, ret_addresses);
	asked++;
	asker = pthread_self();
	if (strcmp(host, "slow.example") == 0 && read(answer_pipe[0], &byte, 1) != 1)
		return EAI_SYSTEM;
	return reply ? reply : __real_getaddrinfo("192.0.2.7", service, hints, ret_addresses);
}

static int setup(void **state)
{
	(void)state;
	asked = 0;
	reply = 0;
	return pipe(answer_pipe);
}

static int teardown(void **state)
{
	(void)state;
	(void)close(answer_pipe[0]);
	(void)close(answer_pipe[1]);
	return 0;
}

static struct mono_ms in(uint64_t ms)
{
	return (struct mono_ms){ mono_now().ms + ms };
}

static void an_address_is_nobodys_question(void **state)
{
	static const char *const hosts[] = { NULL, "192.0.2.1", "2001:db8::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		struct addrinfo *addresses;

		assert_int_equal(name_lookup(hosts[i], "25", mono_now(), &addresses), 0);
		freeaddrinfo(addresses);
	}
	assert_int_equal(asked, 0);
}

static void a_name_is_looked_up_in_a_thread(void **state)
{
	const struct sockaddr_in *found;
	struct addrinfo *addresses;

	(void)state;
	assert_int_equal(name_lookup("quick.example", "2525", in(30000), &addresses), 0);
	found = (const struct sockaddr_in *)(const void *)addresses->ai_addr;
	assert_int_equal(ntohl(found->sin_addr.s_addr), 0xc0000207);
	assert_int_equal(ntohs(found->sin_port), 2525);
	freeaddrinfo(addresses);
	assert_int_equal(asked, 1);
	assert_false(pthread_equal(asker, pthread_self()));
}

static void who_says_no_is_told_from_who_fails(void **state)
{
	struct addrinfo *addresses;

	(void)state;
	reply = EAI_NONAME;
	assert_int_equal(name_lookup("quick.example", "25", in(30000), &addresses), -EINVAL);
	reply = EAI_AGAIN;
	assert_int_equal(name_lookup("quick.example", "25", in(30000), &addresses), -EAGAIN);
	assert_int_equal(name_lookup("quick.example", "no-such-service", in(30000), &addresses),
			 -EINVAL);
}

/* What comes too late is freed by the thread, which the leak detector sees. */
static void a_dead_name_service_costs_the_time_given(void **state)
{
	const uint64_t before = mono_now().ms;
	struct addrinfo *addresses = NULL;
	struct pollfd late = { .fd = answer_pipe[0], .events = POLLIN };

	(void)state;
	assert_int_equal(name_lookup("slow.example", "25", in(100), &addresses), -ETIMEDOUT);
	assert_true(mono_now().ms - before >= 100);
	assert_null(addresses);
	/* The next is asked all the same. */
	assert_int_equal(name_lookup("quick.example", "25", in(30000), &addresses), 0);
	freeaddrinfo(addresses);
	assert_int_equal(write(answer_pipe[1], "x", 1), 1);
	while (poll(&late, 1, 0) == 1)
		(void)poll(NULL, 0, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_is_nobodys_question),
		TEST(a_name_is_looked_up_in_a_thread),
		TEST(who_says_no_is_told_from_who_fails),
		TEST(a_dead_name_service_costs_the_time_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
