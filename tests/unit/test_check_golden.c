/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each directory tests/golden/check/NAME is a mail host: synanvil.cf, main.cf, master.cf and what
 * they name are its /etc/synanvil and /etc/postfix (out/ is /etc/postfix-out), host says what is
 * special about the machine, expected is what `synanvil check` prints. Run from the source
 * directory; SYNANVIL_GOLDEN=write writes the expected files anew, to be read before they are
 * committed.
 */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "config_check.h"
#include "config_support.h"
#include "parse.h"

#define GOLDEN          "tests/golden/check"
#define FILE_READ_FIRST "/etc/synanvil/synanvil.cf"

/* Cases that are as they should be: nothing may be found in them. */
static const char *const clean[] = { "good",
				     "good_without_postfix",
				     "size_minfree_enough",
				     "size_disk_just_enough",
				     "limit_stricter_by_unit",
				     "port_not_protected_but_local",
				     "postscreen_good",
				     "policy_off",
				     "policy_bare",
				     "policy_unix",
				     "policy_brackets",
				     "policy_unix_chrooted",
				     "port_wildcard_of_one_family",
				     "milter_good",
				     "milter_truncate_good",
				     "milter_option_in_braces" };

struct host {
	const char *name;
	uint64_t free_bytes;
	bool no_queue;
};

static int read_host_file(void *context, const char *path, char **ret_text, size_t *ret_size,
			  const char **reterr_message)
{
	static const struct {
		const char *seen;
		const char *inside;
	} roots[] = { { "/etc/synanvil/", "" },
		      { "/etc/postfix/", "" },
		      { "/etc/postfix-out/", "out/" } };
	const struct host *host = context;
	char where[PATH_MAX];

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		const size_t size = strlen(roots[i].seen);

		if (strncmp(path, roots[i].seen, size) != 0)
			continue;
		(void)snprintf(where, sizeof(where), GOLDEN "/%s/%s%s", host->name, roots[i].inside,
			       path + size);
		return config_read_file(NULL, where, ret_text, ret_size, reterr_message);
	}
	return -ENOENT;
}

static int host_free_bytes(void *context, const char *path, uint64_t *ret_bytes)
{
	const struct host *host = context;

	(void)path;
	*ret_bytes = host->free_bytes;
	return host->no_queue ? -ENOENT : 0;
}

static bool host_has_interface(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "eth0") == 0;
}

static bool host_has_group(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "root") == 0;
}

static char *read_case(const char *name, const char *file)
{
	const char *message = NULL;
	char path[PATH_MAX];
	char *text = NULL;
	size_t size = 0;

	(void)snprintf(path, sizeof(path), GOLDEN "/%s/%s", name, file);
	if (config_read_file(NULL, path, &text, &size, &message) < 0)
		return NULL;
	text[size] = '\0';
	return text;
}

static void host_init(struct host *host, const char *name)
{
	_cleanup_free_ char *text = read_case(name, "host");
	long free_bytes = 0;

	*host = (struct host){ .name = name, .free_bytes = UINT64_C(100000000000) };
	if (!text)
		return;
	assert_memory_equal(text, "free ", strlen("free "));
	text[strcspn(text, "\n")] = '\0';
	host->no_queue = strcmp(text, "free none") == 0;
	if (host->no_queue)
		return;
	assert_int_equal(parse_long(text + strlen("free "), &free_bytes), 0);
	host->free_bytes = (uint64_t)free_bytes;
}

/* What `check` prints. */
static char *findings(const char *name)
{
	_cleanup_free_ char *text = read_case(name, "synanvil.cf");
	struct host host;
	const struct config_reader reader = { .read = read_host_file, .context = &host };
	const struct config_check_host machine = { host_free_bytes, host_has_interface,
						   host_has_group, &host };
	struct config_text out = { 0 };
	struct report report = { 0 };
	struct config *config = NULL;

	assert_non_null(text);
	host_init(&host, name);
	(void)config_parse_buffer(FILE_READ_FIRST, text, strlen(text), &reader, &config, &report);
	assert_int_equal(config == NULL, report.errors > 0);
	if (config)
		assert_true(config_check_on(config, &machine, &report) >= 0);
	assert_int_equal(config_text_append(&out, "", 0), 0);
	for (size_t i = 0; i < report.count; i++) {
		_cleanup_free_ char *line = report_entry_format(&report.entries[i]);

		assert_non_null(line);
		if (strstr(line, "does not use it yet"))
			continue; /* true of a version, not of the case */
		assert_int_equal(config_text_append(&out, line, strlen(line)), 0);
		assert_int_equal(config_text_append(&out, "\n", 1), 0);
	}
	config_free(config);
	report_done(&report);
	return out.data;
}

static bool is_clean(const char *name)
{
	for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++) {
		if (strcmp(clean[i], name) == 0)
			return true;
	}
	return false;
}

static void write_expected(const char *name, const char *text)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), GOLDEN "/%s/expected", name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

/* Returns whether the case is as it should be; says what is not. */
static bool check_case(const char *name)
{
	_cleanup_free_ char *got = findings(name);
	_cleanup_free_ char *want = NULL;

	if (getenv("SYNANVIL_GOLDEN"))
		write_expected(name, got);
	want = read_case(name, "expected");
	if ((*got == '\0') != is_clean(name))
		print_error("%s: %s\n", name,
			    *got ? "nothing should be found" : "nothing is found");
	else if (want && strcmp(got, want) == 0)
		return true;
	print_error("%s: got\n%sexpected\n%s\n", name, got, want ? want : "(no file)\n");
	return false;
}

static void test_cases(void **state)
{
	DIR *directory = opendir(GOLDEN);
	unsigned checked = 0;
	unsigned failed = 0;

	(void)state;
	assert_non_null(directory);
	for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
		if (entry->d_name[0] == '.')
			continue;
		failed += !check_case(entry->d_name);
		checked++;
	}
	assert_int_equal(closedir(directory), 0);
	assert_int_equal(failed, 0);
	assert_true(checked > 40 + sizeof(clean) / sizeof(clean[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
