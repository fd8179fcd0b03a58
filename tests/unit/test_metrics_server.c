/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metrics socket.
 */
#include "control_lab.h"

static int free_port(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(name);

	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	(void)close(fd);
	return ntohs(name.sin_port);
}

static void http(struct lab *lab, int port, const char *request)
{
	const struct sockaddr_in name = { .sin_family = AF_INET,
					  .sin_port = htons((uint16_t)port),
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	finish(lab, fd);
}

static void metrics_are_served(void **state)
{
	struct lab *lab = *state;
	struct metrics_server *second;
	const int port = free_port();
	char listen[64];

	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	assert_int_equal(metrics_server_new(&lab->daemon, listen, &lab->daemon.metrics), 0);
	assert_int_equal(metrics_server_new(&lab->daemon, listen, &second), -EADDRINUSE);
	assert_int_equal(metrics_server_new(&lab->daemon, "::1:9925", &second), -EINVAL);
	assert_int_equal(metrics_server_new(&lab->daemon, "127.0.0.1", &second), -EINVAL);
	http(lab, port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(lab, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4");
	assert_has(lab, "synanvil_exceptions 1\n");
	http(lab, port, "POST /metrics HTTP/1.1\r\n\r\n");
	assert_has(lab, "HTTP/1.1 405 ");
	assert_has(lab, "Allow: GET\r\n");
	http(lab, port, "GET / HTTP/1.1\r\n\r\n");
	assert_has(lab, "HTTP/1.1 404 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(metrics_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
