/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that have a name: who may reach them, what they replace and what they leave alone.
 * bind(2) is wrapped, to be somebody who may write to the directory and is quick.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unix_listener.h"

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

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode;
}

static void file_make(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
}

static void test_mode(void **state)
{
	const struct unix_access access = { 0660, getgid() };
	const mode_t before = umask(0077);
	struct unix_node node;
	int listening;

	(void)state;
	assert_int_equal(unix_listen(place.path, &access, 1, &node, &listening), 0);
	(void)umask(before);
	assert_int_equal(mode_of(place.path), S_IFSOCK | 0660);
	assert_int_equal(unix_unlisten(&node), 0);
	assert_int_equal(unlink(place.path), -1);
	(void)close(listening);
}

static void test_link_in_its_place(void **state)
{
	const struct unix_access access = { 0666, getgid() };
	struct unix_node node = { 0 };
	int listening = -1;

	(void)state;
	file_make(place.other);
	place.trap = place.other;
	assert_true(unix_listen(place.path, &access, 1, &node, &listening) < 0);
	assert_int_equal(mode_of(place.other), S_IFREG | 0600);
	assert_int_equal(listening, -1);
}

static void test_what_is_there(void **state)
{
	const struct unix_access access = { 0600, (gid_t)-1 };
	struct unix_node first, second;
	int one, two;

	(void)state;
	file_make(place.path);
	assert_int_equal(unix_listen(place.path, &access, 1, &first, &one), -EEXIST);
	assert_int_equal(mode_of(place.path), S_IFREG | 0600);
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(unix_listen(place.path, &access, 1, &first, &one), 0);
	assert_int_equal(unix_listen(place.path, &access, 1, &second, &two), -EADDRINUSE);
	/* Left by a program that is gone. */
	(void)close(one);
	assert_int_equal(unix_listen(place.path, &access, 1, &second, &two), 0);
	/* Its successor's is not the first one's to remove. */
	assert_int_equal(unix_unlisten(&first), 0);
	assert_int_equal(mode_of(place.path), S_IFSOCK | 0600);
	assert_int_equal(unix_unlisten(&second), 0);
	(void)close(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mode, place_make, place_clear),
		cmocka_unit_test_setup_teardown(test_link_in_its_place, place_make, place_clear),
		cmocka_unit_test_setup_teardown(test_what_is_there, place_make, place_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
