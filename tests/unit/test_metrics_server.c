/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metrics socket.
 */
#include <sys/resource.h>

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

static int dial_port(int port)
{
	const struct sockaddr_in name = { .sin_family = AF_INET,
					  .sin_port = htons((uint16_t)port),
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void http(struct lab *lab, int port, const char *request)
{
	const int fd = dial_port(port);

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
	assert_int_equal(metrics_server_new(&lab->daemon, listen, NULL, &lab->daemon.metrics), 0);
	assert_int_equal(metrics_server_new(&lab->daemon, listen, NULL, &second), -EADDRINUSE);
	assert_int_equal(metrics_server_new(&lab->daemon, "::1:9925", NULL, &second), -EINVAL);
	assert_int_equal(metrics_server_new(&lab->daemon, "127.0.0.1", NULL, &second), -EINVAL);
	http(lab, port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(lab, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4");
	assert_has(lab, "synanvil_exceptions 1\n");
	http(lab, port, "POST /metrics HTTP/1.1\r\n\r\n");
	assert_has(lab, "HTTP/1.1 405 ");
	assert_has(lab, "Allow: GET\r\n");
	http(lab, port, "GET / HTTP/1.1\r\n\r\n");
	assert_has(lab, "HTTP/1.1 404 ");
}

/* More than the server has places for: each that comes takes that of the one that waited longest.
 */
static void who_asks_is_served_however_many_hold_the_line(void **state)
{
	struct lab *lab = *state;
	const struct rlimit files = { 4096, 4096 };
	const int port = free_port();
	static int held[1200];
	char listen[64], byte;

	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		skip();
	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	assert_int_equal(metrics_server_new(&lab->daemon, listen, NULL, &lab->daemon.metrics), 0);
	for (size_t i = 0; i < 1200; i++) {
		held[i] = dial_port(port);
		(void)event_base_loop(lab->daemon.loop, EVLOOP_NONBLOCK);
	}
	http(lab, port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(lab, "HTTP/1.1 200 OK\r\n");
	/* The first had to go, the last is still there. */
	assert_int_equal(recv(held[0], &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(recv(held[1199], &byte, 1, MSG_DONTWAIT), -1);
	for (size_t i = 0; i < 1200; i++)
		(void)close(held[i]);
}

static void assert_scraped(struct lab *lab, int port)
{
	http(lab, port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(lab, "HTTP/1.1 200 OK\r\n");
}

/* From one address to all of them and back; and when that fails or is given up, nothing is lost. */
static void one_takes_the_place_of_another_on_the_same_port(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "0.0.0.0", "127.0.0.1", "[::]",
					     "127.0.0.1" };
	struct lab *lab = *state;
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 8) };
	const int port = free_port(), other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct metrics_server *next;
	char listen_text[64];

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		(void)snprintf(listen_text, sizeof(listen_text), "%s:%d", hosts[i], port);
		assert_int_equal(
			metrics_server_new(&lab->daemon, listen_text, lab->daemon.metrics, &next),
			0);
		(void)metrics_server_free(lab->daemon.metrics);
		lab->daemon.metrics = next;
		assert_scraped(lab, port);
	}
	(void)snprintf(listen_text, sizeof(listen_text), "0.0.0.0:%d", port);
	assert_int_equal(metrics_server_new(&lab->daemon, listen_text, lab->daemon.metrics, &next),
			 0);
	next = metrics_server_free(next);
	metrics_server_resume(lab->daemon.metrics);
	assert_scraped(lab, port);
	name.sin_port = htons((uint16_t)port);
	assert_int_equal(bind(other, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(metrics_server_new(&lab->daemon, listen_text, lab->daemon.metrics, &next),
			 -EADDRINUSE);
	assert_scraped(lab, port);
	(void)close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(metrics_are_served),
		TEST(one_takes_the_place_of_another_on_the_same_port),
		TEST(who_asks_is_served_however_many_hold_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
