/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that the kernel lists: messages of sock_diag, and the service that a socket belongs to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "connection_match.h"
#include "sock_diag.h"

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
	static const uint8_t remote[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 200 };
	struct sock_diag_socket socket = { .cookie = 200, .local_port_be = htons(25) };
	struct sa_connection found;

	(void)state;
	((uint8_t *)&settings.mask_ipv4)[15] = 0; /* 24 bits */
	memset(&settings.mask_ipv6, 0xff, 8);
	memcpy(&socket.remote, remote, sizeof(remote));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_decoded),
		cmocka_unit_test(sockets_find_their_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
