/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says of connections on the loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket_owner.h"

struct pair {
	int listening, server, client;
	struct socket_end server_end, client_end;
};

static void end_of(const struct sockaddr_in *address, struct socket_end *ret_end)
{
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

	memcpy(bytes + 12, &address->sin_addr, 4);
	memcpy(&ret_end->address, bytes, sizeof(bytes));
	ret_end->port = ntohs(address->sin_port);
}

static int pair_up(void **state)
{
	static struct pair pair;
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pair.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pair.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(pair.listening, (struct sockaddr *)&address, size) || listen(pair.listening, 1) ||
	    getsockname(pair.listening, (struct sockaddr *)&address, &size) ||
	    connect(pair.client, (struct sockaddr *)&address, size))
		return -1;
	pair.server = accept4(pair.listening, NULL, NULL, SOCK_CLOEXEC);
	end_of(&address, &pair.server_end);
	if (getsockname(pair.client, (struct sockaddr *)&address, &size))
		return -1;
	end_of(&address, &pair.client_end);
	*state = &pair;
	return pair.server < 0 ? -1 : 0;
}

static int pair_down(void **state)
{
	const struct pair *pair = *state;

	(void)close(pair->listening);
	(void)close(pair->server);
	if (pair->client >= 0)
		(void)close(pair->client);
	return 0;
}

static void the_peer_has_closed(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&wait, 1, 10000), 1);
}

static void an_open_connection(void **state)
{
	const struct pair *pair = *state;
	uint32_t user = UINT32_MAX;

	assert_int_equal(socket_owner(&pair->server_end, &pair->client_end, &user), 0);
	assert_int_equal(user, getuid());
	assert_int_equal(socket_peer_user(pair->server, &user), 0);
	assert_int_equal(user, getuid());
}

/* A client that sends all of its session at once and then closes its side is still being served. */
static void closed_by_the_client_alone(void **state)
{
	const struct pair *pair = *state;
	uint32_t user = UINT32_MAX;

	assert_int_equal(shutdown(pair->client, SHUT_WR), 0);
	the_peer_has_closed(pair->server);
	assert_int_equal(socket_owner(&pair->server_end, &pair->client_end, &user), 0);
	assert_int_equal(user, getuid());
}

static void closed_by_the_server(void **state)
{
	const struct pair *pair = *state;
	uint32_t user;

	assert_int_equal(shutdown(pair->server, SHUT_WR), 0);
	the_peer_has_closed(pair->client);
	assert_int_equal(socket_owner(&pair->server_end, &pair->client_end, &user), -ENOENT);
}

/* What listens there is no connection. */
static void from_another_port_or_address(void **state)
{
	const struct pair *pair = *state;
	struct socket_end other = pair->client_end;
	uint32_t user;

	other.port ^= 1;
	assert_int_equal(socket_owner(&pair->server_end, &other, &user), -ENOENT);
	other = pair->client_end;
	((uint8_t *)&other.address)[15] ^= 2;
	assert_int_equal(socket_owner(&pair->server_end, &other, &user), -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_up, pair_down)
	const struct CMUnitTest tests[] = {
		TEST(an_open_connection),
		TEST(closed_by_the_client_alone),
		TEST(closed_by_the_server),
		TEST(from_another_port_or_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
