/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the files on disk are still those that were read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "postfix_support.h"

struct disk {
	struct config_file now;
	int result;
};

static int identify(void *context, const char *path, struct config_file *ret_file)
{
	const struct disk *disk = context;

	(void)path;
	*ret_file = disk->now;
	return disk->result;
}

static void test_stale(void **state)
{
	const struct config_file read = { "/f", 1, 2, 3, 4 };
	const struct {
		struct disk disk;
		bool stale;
	} rows[] = {
		{ { { "/f", 1, 2, 3, 4 }, 0 }, false },
		{ { { "/f", 9, 2, 3, 4 }, 0 }, true },
		{ { { "/f", 1, 9, 3, 4 }, 0 }, true },
		{ { { "/f", 1, 2, 9, 4 }, 0 }, true },
		{ { { "/f", 1, 2, 3, 5 }, 0 }, true },
		{ { { "/f", 0, 0, 0, 0 }, -ENOENT }, true },
		{ { { "/f", 0, 0, 0, 0 }, -ENOTDIR }, true },
		{ { { "/f", 0, 0, 0, 0 }, -EACCES }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct disk disk = rows[i].disk;

		assert_int_equal(config_file_is_stale(&read, identify, &disk), rows[i].stale);
	}
}

static void write_file(const char *directory, const char *name, const char *text)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

/* Every file that was read is watched, an included one as well. */
static void test_files_that_were_read(void **state)
{
	static const char *const names[] = { "ours", "main.cf", "master.cf", "trusted" };
	char directory[] = "/tmp/synanvil-test-XXXXXX";
	struct report report = { 0 };
	char text[400], path[200];

	(void)state;
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct config *config = NULL;

		(void)snprintf(text, sizeof(text),
			       MINIMAL "postfix_config_directory = %s\nmynetworks = %s/trusted\n",
			       directory, directory);
		write_file(directory, "ours", text);
		write_file(directory, "main.cf", "");
		write_file(directory, "master.cf", SERVICES);
		write_file(directory, "trusted", "192.0.2.0/24\n");
		(void)snprintf(path, sizeof(path), "%s/ours", directory);
		assert_int_equal(config_load(path, &config, &report), 0);
		assert_int_equal(config->file_count, 4);
		assert_false(config_is_stale(config, config_identify_file, NULL));
		write_file(directory, names[i],
			   "# longer than what was there, whatever that was\n"
			   "# longer than what was there, whatever that was\n"
			   "# longer than what was there, whatever that was\n");
		assert_true(config_is_stale(config, config_identify_file, NULL));
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		assert_int_equal(unlink(path), 0);
		assert_true(config_is_stale(config, config_identify_file, NULL));
		config_free(config);
	}
	for (size_t i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/ours", directory);
	(void)unlink(path);
	assert_int_equal(rmdir(directory), 0);
	report_done(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_files_that_were_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
