/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that the milter before has left: which are taken, and what becomes of the others where
 * the configuration, or somebody, has changed meanwhile. bind(2) is wrapped, to be somebody who may
 * write to the directory and is quick.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "milter_sockets.h"

#define PATH_SIZE 64

struct place {
	char directory[PATH_SIZE], path[PATH_SIZE * 2], other[PATH_SIZE * 2];
	const char *trap; /* what the name of a fresh socket is made to lead to, or NULL */
};

static struct place place;

int __real_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	const struct sockaddr_un *name = (const struct sockaddr_un *)address;
	const int result = __real_bind(fd, address, size);

	if (!result && place.trap) {
		assert_int_equal(unlink(name->sun_path), 0);
		assert_int_equal(symlink(place.trap, name->sun_path), 0);
	}
	return result;
}

static int place_make(void **state)
{
	place = (struct place){ .directory = "/tmp/synanvil-unit-XXXXXX" };
	if (!mkdtemp(place.directory))
		return -1;
	(void)snprintf(place.path, sizeof(place.path), "%s/socket", place.directory);
	(void)snprintf(place.other, sizeof(place.other), "%s/other", place.directory);
	*state = &place;
	return 0;
}

static int place_clear(void **state)
{
	(void)state;
	(void)unlink(place.path);
	(void)unlink(place.other);
	return rmdir(place.directory);
}

static int unix_listening(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const size_t size = offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;

	memcpy(address.sun_path, path, strlen(path));
	assert_true(fd >= 0);
	assert_int_equal(__real_bind(fd, (const struct sockaddr *)&address, (socklen_t)size), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* At 127.0.0.1, at a port that is free. */
static int inet_listening(unsigned *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(__real_bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

/* With this milter_listen, and one kept socket (-1: none). */
static int open_with(const char *listen, int kept, struct milter_sockets *ret_sockets)
{
	char text[PATH_SIZE * 4];
	const struct config config = { .milter_listen = text };
	const char *blamed;

	(void)snprintf(text, sizeof(text), "%s", listen);
	return milter_sockets_open(&config, &kept, kept >= 0, ret_sockets, &blamed);
}

static int unix_open(const char *path, int kept, struct milter_sockets *ret_sockets)
{
	char listen[PATH_SIZE * 3];

	(void)snprintf(listen, sizeof(listen), "unix:%s", path);
	return open_with(listen, kept, ret_sockets);
}

static void finish(struct milter_sockets *sockets)
{
	milter_sockets_remove(sockets);
	milter_sockets_done(sockets);
}

/* Whether who connects to the name gets to this socket. */
static bool reached(const char *path, int listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool found = false;
	int accepted;

	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(fcntl(listening, F_SETFL, O_NONBLOCK), 0);
	/* Who has asked whose name it is. */
	while ((accepted = accept(listening, NULL, NULL)) >= 0)
		(void)close(accepted);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		accepted = accept(listening, NULL, NULL);
		found = accepted >= 0;
		if (found)
			(void)close(accepted);
	}
	(void)close(fd);
	return found;
}

static void test_taken(void **state)
{
	const int kept = unix_listening(place.path);
	struct milter_sockets sockets;

	(void)state;
	assert_int_equal(unix_open(place.path, kept, &sockets), 0);
	assert_int_equal(sockets.sockets[0].fd, kept);
	assert_true(reached(place.path, kept));
	assert_true(milter_sockets_named(&sockets, 0));
	finish(&sockets);
	assert_int_equal(access(place.path, F_OK), -1);
}

/* The kept one is in the way of an address that covers it. */
static void test_wider_address(void **state)
{
	struct milter_sockets sockets;
	char listen[64];
	unsigned port;
	const int kept = inet_listening(&port);

	(void)state;
	(void)snprintf(listen, sizeof(listen), "inet:0.0.0.0:%u", port);
	assert_int_equal(open_with(listen, kept, &sockets), 0);
	finish(&sockets);
}

static void test_no_longer_wanted(void **state)
{
	const int kept = unix_listening(place.other);
	struct milter_sockets sockets;

	(void)state;
	assert_int_equal(unix_open(place.path, kept, &sockets), 0);
	assert_int_equal(access(place.other, F_OK), -1);
	assert_true(reached(place.path, sockets.sockets[0].fd));
	finish(&sockets);
}

/* The name of a socket that is no longer wanted belongs to somebody else by now. */
static void test_no_longer_wanted_nor_ours(void **state)
{
	const int kept = unix_listening(place.other);
	struct milter_sockets sockets;
	int another;

	(void)state;
	assert_int_equal(unlink(place.other), 0);
	another = unix_listening(place.other);
	assert_int_equal(unix_open(place.path, kept, &sockets), 0);
	assert_true(reached(place.other, another));
	finish(&sockets);
	(void)close(another);
}

static void test_name_left_by_a_dead_one(void **state)
{
	const int kept = unix_listening(place.path);
	struct milter_sockets sockets;

	(void)state;
	assert_int_equal(unlink(place.path), 0);
	(void)close(unix_listening(place.path));
	assert_int_equal(unix_open(place.path, kept, &sockets), 0);
	assert_true(reached(place.path, sockets.sockets[0].fd));
	finish(&sockets);
}

static void test_name_taken_by_another(void **state)
{
	const int kept = unix_listening(place.path);
	struct milter_sockets sockets;
	int ready[2], end[2];
	pid_t another;
	char byte;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	assert_int_equal(unlink(place.path), 0);
	another = fork();
	if (another == 0) {
		(void)close(end[1]);
		(void)unix_listening(place.path);
		_exit(write(ready[1], "", 1) != 1 || read(end[0], &byte, 1) != 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(unix_open(place.path, kept, &sockets), -EADDRINUSE);
	assert_int_equal(access(place.path, F_OK), 0);
	finish(&sockets);
	(void)close(end[0]), (void)close(end[1]), (void)close(ready[0]), (void)close(ready[1]);
	assert_int_equal(waitpid(another, NULL, 0), another);
}

static void test_named(void **state)
{
	struct milter_sockets sockets;
	int another;

	(void)state;
	assert_int_equal(unix_open(place.path, -1, &sockets), 0);
	assert_true(milter_sockets_named(&sockets, 0));
	assert_int_equal(rename(place.path, place.other), 0);
	assert_false(milter_sockets_named(&sockets, 0));
	another = unix_listening(place.path);
	assert_false(milter_sockets_named(&sockets, 0));
	finish(&sockets);
	assert_int_equal(access(place.path, F_OK), 0);
	(void)close(another);
}

static void test_mode(void **state)
{
	const mode_t before = umask(0077);
	struct milter_sockets sockets;
	struct stat status;

	(void)state;
	assert_int_equal(unix_open(place.path, -1, &sockets), 0);
	(void)umask(before);
	assert_int_equal(stat(place.path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0666);
	finish(&sockets);
}

static void test_link_in_its_place(void **state)
{
	const int file = open(place.other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct milter_sockets sockets;
	struct stat status;

	(void)state;
	place.trap = place.other;
	assert_int_equal(unix_open(place.path, -1, &sockets), -EEXIST);
	finish(&sockets);
	assert_int_equal(fstat(file, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	(void)close(file);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_PLACE(test_taken),
		IN_A_PLACE(test_wider_address),
		IN_A_PLACE(test_no_longer_wanted),
		IN_A_PLACE(test_no_longer_wanted_nor_ours),
		IN_A_PLACE(test_name_left_by_a_dead_one),
		IN_A_PLACE(test_name_taken_by_another),
		IN_A_PLACE(test_named),
		IN_A_PLACE(test_mode),
		IN_A_PLACE(test_link_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
