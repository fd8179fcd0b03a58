/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connections_sync.c over tables in memory and lists that the test makes up: what is filled in,
 * what is drift and what is only a moment. And what it stands on: messages of sock_diag, sockets
 * and services, sets of cookies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>

#include "connection_match.h"
#include "connection_program.h"
#include "connections_sync.h"
#include "cookie_set.h"
#include "sock_diag.h"
#include "tables_double.h"

/* --- doubles: the kernel's list and its program --- */

struct kernel_double {
	struct sock_diag_listener listener;
	uint64_t listed[64];
	size_t count;
	unsigned lists;
	int fail;    /* the next list breaks off with this */
	bool counts; /* the program can be attached */
	bool pinned;
	bool under_way;
};

static struct kernel_double kernel;

static struct sock_diag_socket socket_of(uint64_t cookie)
{
	struct sock_diag_socket socket = { .cookie = cookie, .local_port_be = htons(25) };
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = (uint8_t)cookie };

	memcpy(&socket.remote, address, sizeof(address));
	return socket;
}

static int list_all(void)
{
	int error = kernel.fail;

	kernel.lists++;
	kernel.fail = 0;
	for (size_t i = 0; i < kernel.count / (error ? 2 : 1); i++) {
		struct sock_diag_socket socket = socket_of(kernel.listed[i]);

		kernel.listener.found(&socket, kernel.listener.context);
	}
	return error;
}

int sock_diag_new(struct event_base *loop, const struct sock_diag_listener *listener,
		  struct sock_diag **ret_diag)
{
	(void)loop;
	kernel.listener = *listener;
	*ret_diag = (struct sock_diag *)&kernel;
	return 0;
}

struct sock_diag *sock_diag_free(struct sock_diag *diag)
{
	(void)diag;
	return NULL;
}

int sock_diag_start(struct sock_diag *diag)
{
	(void)diag;
	kernel.under_way = true;
	return 0;
}

int sock_diag_run(struct sock_diag *diag)
{
	(void)diag;
	return list_all();
}

int connection_program_attach(const struct bpf_program_set *packet_path, int *ret_link,
			      struct explanation *reterr_why)
{
	(void)packet_path;
	if (!kernel.counts)
		return explain(reterr_why, -EPERM, "the test says so");
	kernel.pinned = true;
	*ret_link = -1;
	return 0;
}

bool connection_program_is_pinned(void)
{
	return kernel.pinned;
}

int connection_program_unpin(void)
{
	kernel.pinned = false;
	return 0;
}

/* --- the agent around it --- */

struct lab {
	struct daemon daemon;
	struct connections_sync *sync;
};

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	tables_double_reset();
	kernel = (struct kernel_double){ .counts = true };
	assert_non_null(lab);
	lab->daemon.loop = event_base_new();
	lab->daemon.settings = (struct sa_settings){
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.mask_ipv6 = { ~0ULL, ~0ULL },
		.epoch = 5,
		.service_count = 1,
		.services[0] = { .any_address = 1, .port_be = htons(25), .id = 3, .slot = 2 },
	};
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	lab->sync = connections_sync_free(lab->sync, DAEMON_DETACH);
	event_base_free(lab->daemon.loop);
	free(lab);
	return 0;
}

static void start(struct lab *lab)
{
	assert_int_equal(connections_sync_new(&lab->daemon, &lab->sync), 0);
}

/* The rest of a pass: what the kernel lists now, and the walk that follows. */
static void list(struct lab *lab)
{
	kernel.under_way = false;
	kernel.listener.done(list_all(), kernel.listener.context);
	assert_true(event_base_loop(lab->daemon.loop, EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0);
}

/* Waits for the agent to begin a pass: soon after a start, else the test asks for it. */
static void pass(struct lab *lab)
{
	while (!kernel.under_way)
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
	list(lab);
}

static void listed(size_t count, const uint64_t *cookies)
{
	memcpy(kernel.listed, cookies, count * sizeof(*cookies));
	kernel.count = count;
}
#define LISTED(...)                                                    \
	listed(sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), \
	       (const uint64_t[]){ __VA_ARGS__ })

static void counted_by_kernel(uint64_t cookie, uint32_t epoch)
{
	const struct sa_connection_key key = { .cookie = cookie, .epoch = epoch };
	const struct sa_connection connection = { .slot = 2 };

	assert_int_equal(tables_connection_enter(NULL, &key, &connection), 0);
}

static void closed_by_kernel(uint64_t cookie, uint32_t epoch)
{
	const struct sa_connection_key key = { .cookie = cookie, .epoch = epoch };

	assert_int_equal(tables_connection_leave(NULL, &key), 0);
}

static bool is_counted(uint64_t cookie, uint32_t epoch)
{
	const struct sa_connection_key key = { .cookie = cookie, .epoch = epoch };
	struct sa_connection entry;

	return tables_connection_read(NULL, &key, &entry) == 0;
}

/* --- tests --- */

static void a_start_counts_what_was_there(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12, 13);
	counted_by_kernel(12, 5);
	start(lab);
	assert_int_equal(tables_double.connection_count, 3);
	assert_int_equal(tables_live_of_service(NULL, 2, 5), 3);
	assert_int_equal(tables_double.connections[1].source.service, 3);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_KERNEL);
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

/* It was listed, closed, and only then entered. */
static void what_a_start_enters_too_late_goes_without_being_drift(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12);
	start(lab);
	LISTED(11);
	pass(lab);
	assert_true(is_counted(12, 5));
	pass(lab);
	assert_false(is_counted(12, 5));
	assert_true(is_counted(11, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void settle(struct lab *lab)
{
	start(lab);
	pass(lab);
	pass(lab);
	/* The next one is ten seconds away: what it waits for is the test's to say. */
	connections_sync_check(lab->sync);
}

static void one_look_proves_nothing(void **state)
{
	struct lab *lab = *state;

	LISTED(11);
	settle(lab);
	/* 20 opens behind the list, 21 closes behind it. */
	LISTED(11, 21);
	counted_by_kernel(20, 5);
	list(lab);
	assert_true(is_counted(20, 5));
	assert_false(is_counted(21, 5));
	connections_sync_check(lab->sync);
	LISTED(11, 20);
	list(lab);
	connections_sync_check(lab->sync);
	list(lab);
	assert_true(is_counted(20, 5));
	assert_int_equal(tables_double.connection_count, 2);
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void two_looks_in_a_row_find_drift(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12);
	settle(lab);
	closed_by_kernel(12, 5);  /* though it is there */
	counted_by_kernel(30, 5); /* though it is not */
	list(lab);
	assert_int_equal(connections_sync_drift(lab->sync), 0);
	connections_sync_check(lab->sync);
	list(lab);
	assert_true(is_counted(12, 5));
	assert_false(is_counted(30, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 2);
}

static void a_list_that_breaks_off_proves_nothing(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12);
	settle(lab);
	for (int i = 0; i < 3; i++) {
		kernel.fail = -ENOBUFS;
		list(lab);
		connections_sync_check(lab->sync);
	}
	assert_true(is_counted(11, 5) && is_counted(12, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void another_epoch_counts_anew(void **state)
{
	struct lab *lab = *state;

	LISTED(11, 12);
	settle(lab);
	list(lab);
	lab->daemon.settings.epoch = 6;
	lab->daemon.settings.services[0].slot = 4;
	counted_by_kernel(13, 6);
	LISTED(11, 12, 13);
	connections_sync_follow(lab->sync);
	assert_true(kernel.under_way);
	assert_int_equal(tables_double.epoch_kept, 5);
	list(lab);
	assert_int_equal(tables_double.epoch_kept, 6);
	assert_int_equal(tables_double.connection_count, 3);
	assert_int_equal(tables_live_of_service(NULL, 4, 6), 2);
	assert_false(is_counted(11, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
	/* The same settings again ask for nothing. */
	connections_sync_follow(lab->sync);
	assert_false(kernel.under_way);
}

/* Now and then the kernel's list leaves one out: so may the one that fills in. */
static void what_a_start_was_not_told_of_comes_without_being_drift(void **state)
{
	struct lab *lab = *state;

	LISTED(11);
	start(lab);
	LISTED(11, 12);
	pass(lab);
	assert_false(is_counted(12, 5));
	pass(lab);
	assert_true(is_counted(12, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

#define ROOM (sizeof(tables_double.connections) / sizeof(*tables_double.connections))

static void full_tables_are_told_of_once(void **state)
{
	struct lab *lab = *state;

	for (uint64_t i = 1; i < ROOM; i++)
		counted_by_kernel(1000 + i, 4);
	LISTED(11, 12, 13);
	start(lab);
	assert_int_equal(tables_double.uncounted, 2);
	assert_true(is_counted(11, 5));
	for (uint64_t i = 1; i < ROOM; i++)
		counted_by_kernel(1000 + i, 5);
	pass(lab);
	assert_int_equal(tables_double.uncounted, 2);
	for (uint64_t i = 1; i < ROOM; i++)
		closed_by_kernel(1000 + i, 5);
	pass(lab);
	assert_true(is_counted(12, 5) && is_counted(13, 5));
	assert_int_equal(tables_double.uncounted, 2);
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void without_the_kernel_the_list_is_what_counts(void **state)
{
	struct lab *lab = *state;

	kernel.counts = false;
	LISTED(11, 12);
	start(lab);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_SOCK_DIAG);
	assert_int_equal(tables_double.connection_count, 2);
	connections_sync_check(lab->sync);
	LISTED(12, 13);
	list(lab);
	assert_false(is_counted(11, 5));
	assert_true(is_counted(12, 5) && is_counted(13, 5));
	assert_int_equal(connections_sync_drift(lab->sync), 0);
}

static void without_both_nothing_is_counted(void **state)
{
	struct lab *lab = *state;

	kernel.counts = false;
	kernel.fail = -EPERM;
	counted_by_kernel(11, 5);
	start(lab);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_OFF);
	assert_int_equal(tables_double.connection_count, 0);
	connections_sync_follow(lab->sync);
	assert_false(kernel.under_way);
}

static void an_earlier_program_goes_on_where_none_can_be_made(void **state)
{
	struct lab *lab = *state;

	kernel.counts = false;
	kernel.pinned = true;
	lab->daemon.adopted = true;
	start(lab);
	assert_int_equal(connections_sync_source(lab->sync), CONNECTIONS_KERNEL);
	assert_true(kernel.pinned);
}

static void names_are_those_of_the_metric(void **state)
{
	(void)state;
	assert_string_equal(connections_source_name(CONNECTIONS_KERNEL), "kernel");
	assert_string_equal(connections_source_name(CONNECTIONS_SOCK_DIAG), "sock_diag");
	assert_string_equal(connections_source_name(CONNECTIONS_OFF), "off");
}

/* --- what it stands on --- */

static struct nlmsghdr *message_of(char *buffer, size_t size, uint8_t family)
{
	struct nlmsghdr *message;
	struct inet_diag_msg *info;

	memset(buffer, 0, size);
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->idiag_family = family;
	info->id.idiag_sport = htons(587);
	info->id.idiag_cookie[0] = 0x11223344;
	info->id.idiag_cookie[1] = 0x55;
	info->id.idiag_dst[0] = htonl(0x0a010203);
	info->id.idiag_dst[3] = htonl(7);
	info->id.idiag_src[0] = htonl(0xc0000219);
	return message;
}

static void messages_are_decoded(void **state)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, 1, 2, 3 };
	static const uint8_t ipv6[16] = { 10, 1, 2, 3, [15] = 7 };
	struct sock_diag_socket socket;
	char buffer[512];
	struct nlmsghdr *message = message_of(buffer, sizeof(buffer), AF_INET);

	(void)state;
	assert_true(sock_diag_decode(message, &socket));
	assert_true(socket.cookie == 0x5511223344ULL);
	assert_int_equal(socket.local_port_be, htons(587));
	assert_memory_equal(&socket.remote, mapped, sizeof(mapped));
	message = message_of(buffer, sizeof(buffer), AF_INET6);
	assert_true(sock_diag_decode(message, &socket));
	assert_memory_equal(&socket.remote, ipv6, sizeof(ipv6));
	message = message_of(buffer, sizeof(buffer), AF_UNIX);
	assert_false(sock_diag_decode(message, &socket));
	message = message_of(buffer, sizeof(buffer), AF_INET);
	message->nlmsg_len -= 4;
	assert_false(sock_diag_decode(message, &socket));
	message = message_of(buffer, sizeof(buffer), AF_INET);
	message->nlmsg_type = NLMSG_ERROR;
	assert_false(sock_diag_decode(message, &socket));
}

static void sockets_find_their_service(void **state)
{
	struct sa_settings settings = {
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.service_count = 2,
		.services[0] = { .port_be = htons(25), .id = 8, .slot = 1 },
		.services[1] = { .any_address = 1, .port_be = htons(25), .id = 9, .slot = 3 },
	};
	struct sock_diag_socket socket = socket_of(200);
	struct sa_connection found;

	(void)state;
	((uint8_t *)&settings.mask_ipv4)[15] = 0; /* 24 bits */
	memset(&settings.mask_ipv6, 0xff, 8);
	memcpy(&settings.services[0].address, &socket.remote, sizeof(socket.remote));
	assert_true(connection_match(&settings, &socket, &found));
	assert_int_equal(found.source.service, 9);
	assert_int_equal(found.slot, 3);
	assert_int_equal(found.source.address[12], 10);
	assert_int_equal(found.source.address[15], 0);
	socket.local = settings.services[0].address;
	assert_true(connection_match(&settings, &socket, &found));
	assert_int_equal(found.source.service, 8);
	memset(&socket.remote, 0x20, sizeof(socket.remote));
	assert_true(connection_match(&settings, &socket, &found));
	assert_int_equal(found.source.address[7], 0x20);
	assert_int_equal(found.source.address[8], 0);
	socket.local_port_be = htons(26);
	assert_false(connection_match(&settings, &socket, &found));
}

static void sets_hold_what_was_put_in(void **state)
{
	struct cookie_set set = {};

	(void)state;
	assert_false(cookie_set_has(&set, 1));
	for (int round = 0; round < 2; round++) {
		for (uint64_t cookie = 1; cookie < 20000; cookie += 3) {
			assert_int_equal(cookie_set_add(&set, cookie << (cookie % 40)), 0);
			assert_int_equal(cookie_set_add(&set, cookie << (cookie % 40)), 0);
		}
		for (uint64_t cookie = 1; cookie < 20000; cookie += 3)
			assert_true(cookie_set_has(&set, cookie << (cookie % 40)));
		assert_false(cookie_set_has(&set, 3));
		assert_true(set.count <= 6667 && set.count > 6000);
		cookie_set_clear(&set);
		assert_false(cookie_set_has(&set, 1ULL << 1));
	}
	cookie_set_done(&set);
}

#define SYNC_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYNC_TEST(a_start_counts_what_was_there),
		SYNC_TEST(what_a_start_enters_too_late_goes_without_being_drift),
		SYNC_TEST(one_look_proves_nothing),
		SYNC_TEST(two_looks_in_a_row_find_drift),
		SYNC_TEST(what_a_start_was_not_told_of_comes_without_being_drift),
		SYNC_TEST(full_tables_are_told_of_once),
		SYNC_TEST(a_list_that_breaks_off_proves_nothing),
		SYNC_TEST(another_epoch_counts_anew),
		SYNC_TEST(without_the_kernel_the_list_is_what_counts),
		SYNC_TEST(without_both_nothing_is_counted),
		SYNC_TEST(an_earlier_program_goes_on_where_none_can_be_made),
		cmocka_unit_test(names_are_those_of_the_metric),
		cmocka_unit_test(messages_are_decoded),
		cmocka_unit_test(sockets_find_their_service),
		cmocka_unit_test(sets_hold_what_was_put_in),
	};

	return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
