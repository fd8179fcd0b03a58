/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spf_list.c: lists of domains, rules, and a file that is replaced as a whole or not at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "spf_list.h"

static int read_list(const char *text, struct spf_domains *domains, unsigned *ret_line)
{
	FILE *stream = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int error;

	*domains = (struct spf_domains){ 0 };
	assert_non_null(stream);
	error = spf_domains_read(stream, domains, ret_line);
	(void)fclose(stream);
	return error;
}

static void lists_are_read(void **state)
{
	struct spf_domains domains;
	unsigned line;

	(void)state;
	assert_int_equal(read_list("# senders\n\n Example.ORG # one\nb.example\t\nexample.org.\n",
				   &domains, &line),
			 0);
	assert_int_equal(domains.count, 2);
	assert_string_equal(domains.names[0], "example.org");
	assert_string_equal(domains.names[1], "b.example");
	spf_domains_done(&domains);
	assert_int_equal(read_list("a.example\nb.example c.example\n", &domains, &line), -EINVAL);
	assert_int_equal(line, 2);
	spf_domains_done(&domains);
}

static void lists_are_bounded(void **state)
{
	struct spf_domains domains = { 0 };
	char name[32];

	(void)state;
	for (int i = 0; i < SPF_DOMAINS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "d%d.example", i);
		assert_int_equal(spf_domains_add(&domains, name, strlen(name)), 0);
	}
	assert_int_equal(spf_domains_add(&domains, "more.example", 12), -E2BIG);
	assert_int_equal(spf_domains_add(&domains, "d7.example", 10), -EEXIST);
	spf_domains_done(&domains);
}

static size_t entries(const char *directory)
{
	DIR *stream = opendir(directory);
	size_t count = 0;

	assert_non_null(stream);
	while (readdir(stream))
		count++;
	(void)closedir(stream);
	return count;
}

static void a_file_is_replaced_as_a_whole(void **state)
{
	char directory[] = "/tmp/spf-list-XXXXXX", path[64], text[16] = "";
	struct stat before, after;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/f.cidr", directory);
	assert_int_equal(spf_file_replace(path, "one\n", 4), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_mode & 0777, 0644);
	assert_int_equal(spf_file_replace(path, "one\n", 4), 1);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	/* Longer and shorter by their beginnings only. */
	assert_int_equal(spf_file_replace(path, "one", 3), 0);
	assert_int_equal(spf_file_replace(path, "one\n\n", 5), 0);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text), file), 5);
	(void)fclose(file);
	assert_string_equal(text, "one\n\n");
	assert_int_equal(entries(directory), 3);
	/* The target cannot be a directory; nothing is left behind. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(spf_file_replace(path, "x", 1) < 0);
	assert_int_equal(entries(directory), 3);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(spf_file_replace(path, "x", 1), -ENOENT);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void what_a_killed_run_left_goes(void **state)
{
	char directory[] = "/tmp/spf-list-XXXXXX", path[64], left[80];

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/f.cidr", directory);
	(void)snprintf(left, sizeof(left), "%s" SPF_NEW_SUFFIX, path);
	write_file(left, "half of it");
	assert_int_equal(spf_file_replace(path, "one\n", 4), 0);
	assert_int_equal(access(left, F_OK), -1);
	/* Also by a run that has nothing to write. */
	write_file(left, "half of it");
	assert_int_equal(spf_file_replace(path, "one\n", 4), 1);
	assert_int_equal(access(left, F_OK), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void only_a_file_is_replaced_and_by_one_at_a_time(void **state)
{
	char directory[] = "/tmp/spf-list-XXXXXX", path[64], target[64];
	struct stat status;
	int locked;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/f.cidr", directory);
	(void)snprintf(target, sizeof(target), "%s/target", directory);
	write_file(target, "mine\n");
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(spf_file_replace(path, "one\n", 4), -ELOOP);
	/* Nor is what it stands for taken for the file. */
	assert_int_equal(spf_file_replace(path, "mine\n", 5), -ELOOP);
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(spf_file_replace(path, "one\n", 4), -EINVAL);
	assert_int_equal(unlink(path), 0);
	locked = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(locked, LOCK_EX), 0);
	assert_int_equal(spf_file_replace(path, "one\n", 4), -EBUSY);
	(void)close(locked);
	assert_int_equal(entries(directory), 3);
	assert_int_equal(unlink(target), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void rules_are_those_of_a_cidr_table(void **state)
{
	struct spf_networks networks = { 0 };
	struct prefix network;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(prefix_parse("192.0.2.0/24", 12, PREFIX_ANY, &network), PREFIX_OK);
	assert_int_equal(spf_networks_add(&networks, &network), 0);
	spf_rules_print(stream, "x.example", &networks);
	(void)fclose(stream);
	assert_string_equal(text,
			    "\n# x.example\n192.0.2.0/24                                 permit\n");
	free(text);
	spf_networks_done(&networks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(a_file_is_replaced_as_a_whole),
		cmocka_unit_test(what_a_killed_run_left_goes),
		cmocka_unit_test(only_a_file_is_replaced_and_by_one_at_a_time),
		cmocka_unit_test(rules_are_those_of_a_cidr_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
