/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the root of the cgroups among what is mounted: by directories that look like cgroups, and
 * a list of mounts that names them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root_cgroup.h"

static char directory[] = "/tmp/synanvil-test-XXXXXX";

static const char *in(const char *name)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void file_write(const char *name, const char *text)
{
	FILE *file = fopen(in(name), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The mounts that there are, and what is found: the name of a directory, or NULL. */
static void finds(const char *mounts, const char *wanted)
{
	struct stat is, should_be;
	int cgroup = -1;

	file_write("mounts", mounts);
	if (!wanted) {
		assert_int_equal(root_cgroup_open(in("mounts"), &cgroup), -ENOENT);
		assert_int_equal(cgroup, -1);
		return;
	}
	assert_int_equal(root_cgroup_open(in("mounts"), &cgroup), 0);
	assert_int_equal(fcntl(cgroup, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(cgroup, &is), 0);
	assert_int_equal(stat(wanted, &should_be), 0);
	assert_int_equal(is.st_ino, should_be.st_ino);
	assert_int_equal(close(cgroup), 0);
}

static int directories_make(void **state)
{
	(void)state;
	if (!mkdtemp(directory) || chdir(directory) || mkdir("root", 0755) || mkdir("a part", 0755))
		return -1;
	file_write("a part/cgroup.type", "domain\n");
	return 0;
}

static int directories_remove(void **state)
{
	(void)state;
	(void)unlink("a part/cgroup.type");
	(void)unlink("mounts");
	return rmdir("root") || rmdir("a part") || chdir("/") || rmdir(directory) ? -1 : 0;
}

static void the_root_is_found_wherever_it_is_mounted(void **state)
{
	(void)state;
	finds("cgroup2 root cgroup2 rw,nosuid 0 0\n", "root");
	finds("tmpfs / tmpfs rw 0 0\ncgroup / cgroup rw,cpu 0 0\nnone root cgroup2 ro 0 0\n",
	      "root");
}

static void a_part_of_the_hierarchy_is_not_it(void **state)
{
	(void)state;
	finds("cgroup2 a\\040part cgroup2 rw 0 0\n", NULL);
	finds("cgroup2 a\\040part cgroup2 rw 0 0\ncgroup2 root cgroup2 rw 0 0\n", "root");
}

static void other_file_systems_are_not_it(void **state)
{
	(void)state;
	finds("", NULL);
	finds("cgroup root cgroup rw,cpu 0 0\ncgroup2 / tmpfs rw 0 0\n", NULL);
}

static void what_cannot_be_opened_is_left_out(void **state)
{
	int cgroup = -1;

	(void)state;
	finds("cgroup2 absent cgroup2 rw 0 0\n", NULL);
	finds("cgroup2 absent cgroup2 rw 0 0\ncgroup2 root cgroup2 rw 0 0\n", "root");
	finds("cgroup2 mounts cgroup2 rw 0 0\n", NULL);
	assert_int_equal(root_cgroup_open(in("absent"), &cgroup), -ENOENT);
}

/* A name that is not in the list's form, and a line that ends early. */
static void bad_lines_are_left_out(void **state)
{
	(void)state;
	finds("\n# cgroup2\ncgroup2\ncgroup2 root\n", NULL);
	finds("cgroup2\ncgroup2 root cgroup2\n", "root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_is_found_wherever_it_is_mounted),
		cmocka_unit_test(a_part_of_the_hierarchy_is_not_it),
		cmocka_unit_test(other_file_systems_are_not_it),
		cmocka_unit_test(what_cannot_be_opened_is_left_out),
		cmocka_unit_test(bad_lines_are_left_out),
	};

	return cmocka_run_group_tests(tests, directories_make, directories_remove);
}
