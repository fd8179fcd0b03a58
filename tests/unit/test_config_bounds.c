/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No file, however large, deep, broken or gone, takes more than bounded time: each case is refused,
 * or loads, within a few seconds of CPU time, sanitizers included.
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "config_support.h"

#define NOBODY 65534

/* Linear work takes a tenth of this on a slow machine; quadratic work would take hours. */
#define SECONDS_MAX 10

#define LIST(text)  "interfaces = lo\nsmtpd_client_event_limit_exceptions = " text "\n"

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* text, count times, between begin and end. */
static char *repeated(const char *begin, const char *text, size_t count, const char *end)
{
	struct config_text out = { 0 };

	assert_int_equal(config_text_append(&out, begin, strlen(begin)), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(config_text_append(&out, text, strlen(text)), 0);
	assert_int_equal(config_text_append(&out, end, strlen(end)), 0);
	return out.data;
}

/* words NULL: it loads; else it is refused with them. table is the contents of /table. */
static void within_bounds(const char *text, const char *table, const char *words)
{
	struct memory_file files[] = { { "/table", table ? table : "" }, { NULL, NULL } };
	struct report report = { 0 };
	const double start = seconds();
	struct config *config;
	const int r = load_with(text, files, &config, &report);

	if (seconds() - start > SECONDS_MAX)
		fail_msg("%.60s... took %f s", text, seconds() - start);
	if (r != (words ? -EINVAL : 0) || (words && !reported(&report, REPORT_ERROR, 0, words)))
		fail_msg("%.60s...: %s", text,
			 report.count > 0 ? report.entries[0].message : "no message");
	config_free(config);
	report_done(&report);
}

static void test_deep(void **state)
{
	static const struct {
		const char *begin, *text, *end, *words;
		size_t count;
	} cases[] = {
		{ MINIMAL "queue_directory = /", "${nosuchname:", "x", "never closed", 1000000 },
		{ MINIMAL "queue_directory = /", "$(header_size_limit?", "x", "never closed",
		  1000000 },
		{ MINIMAL "queue_directory = ", "${{", "", "never closed", 1000000 },
		{ LIST("cidr:{"), "{", "", "no partner", 1000000 },
		{ LIST("10.0.0.0/8 "), "}", "", "no partner", 1000000 },
		{ LIST("10.0.0.0/8 "), "!", "10.0.0.1", NULL, 1000000 },
		{ LIST(""), "[", "", "not an IPv4", 1000000 },
		{ MINIMAL "a", ":", "=", "unknown parameter", 1000000 },
		{ MINIMAL "mynetworks =", "\n ", "10.0.0.1", NULL, 1000000 },
		{ MINIMAL, "#\n", "", NULL, 1000000 },
		{ MINIMAL, "enforcement = monitor\n", "", "parameters are set", 100000 },
		{ MINIMAL, "x\n", "", "missing", 100000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* The list's newline stands in front of what is repeated. */
		_cleanup_free_ char *begin = strdup(cases[i].begin);
		_cleanup_free_ char *text = NULL;
		const size_t size = strlen(begin);

		if (strstr(begin, "exceptions") && begin[size - 1] == '\n')
			begin[size - 1] = '\0';
		text = repeated(begin, cases[i].text, cases[i].count, cases[i].end);
		within_bounds(text, NULL, cases[i].words);
	}
}

static void test_closed_nesting(void **state)
{
	_cleanup_free_ char *open = repeated("", "${nosuchname:", 50000, "x");
	_cleanup_free_ char *close = repeated("", "}", 50000, "\n");
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_true(asprintf(&text, MINIMAL "queue_directory = /%s%s", open, close) > 0);
	within_bounds(text, NULL, "nested too deeply");
}

static void test_deep_tables(void **state)
{
	_cleanup_free_ char *deep = repeated("", "if ::/0\n", 1000000, "");
	_cleanup_free_ char *closed =
		repeated("if ::/0\nif ::/0\n", "::1 x\n", 500000, "endif\nendif\n");
	_cleanup_free_ char *pairs = repeated("", "if ::/0\nendif\n", 500000, "::1 x\n");
	_cleanup_free_ char *ends = repeated("", "endif\n", 1000000, "");

	(void)state;
	within_bounds(LIST("cidr:/table"), deep, "within each other");
	within_bounds(LIST("cidr:/table"), closed, NULL);
	within_bounds(LIST("cidr:/table"), pairs, NULL);
	within_bounds(LIST("cidr:/table"), ends, "without \"if\"");
}

/* Each rule is 128 networks; together more than a list may have. */
static void test_complements(void **state)
{
	_cleanup_free_ char *table = repeated("", "!2001:db8::1 x\n", 100000, "");
	_cleanup_free_ char *holes = repeated("", "if !0.0.0.0/1\nif !128.0.0.0/1\n", 15, "");
	_cleanup_free_ char *rules = repeated(holes, "0.0.0.0/0 x\n", 200000, "");
	_cleanup_free_ char *closed = repeated(rules, "endif\n", 30, "");

	(void)state;
	within_bounds(LIST("cidr:/table"), table, "more than 4194304 patterns");
	within_bounds(LIST("cidr:/table"), closed, NULL);
}

static void test_long_lists(void **state)
{
	_cleanup_free_ char *addresses = repeated("", "192.0.2.1,", 1000000, "");
	_cleanup_free_ char *wrong = repeated("", "192.0.2.1/24 ", 1000000, "");
	_cleanup_free_ char *files = repeated("", "/none ", 1000000, "");
	_cleanup_free_ char *interfaces = repeated("interfaces = ", "lo ", 1000000, "\n");

	(void)state;
	within_bounds(LIST("/table"), addresses, NULL);
	within_bounds(LIST("/table"), wrong, "did you mean");
	within_bounds(LIST("/table"), files, "/none");
	within_bounds(interfaces, NULL, NULL);
}

/* --- files that are none --- */

struct lab {
	char directory[40];
	char path[PATH_MAX];
};

static void lab_open(struct lab *lab)
{
	(void)snprintf(lab->directory, sizeof(lab->directory), "/tmp/synanvil-test-XXXXXX");
	assert_non_null(mkdtemp(lab->directory));
	assert_int_equal(chmod(lab->directory, 0755), 0);
	(void)snprintf(lab->path, sizeof(lab->path), "%s/file", lab->directory);
}

static void lab_close(const struct lab *lab)
{
	(void)unlink(lab->path);
	assert_int_equal(rmdir(lab->directory), 0);
}

/* As the configuration itself, as a list and as a table: refused with these words. */
static void refused_everywhere(const char *path, const char *words)
{
	static const struct config_reader reader = { .read = config_read_file };
	static const char *const kinds[] = { "", "cidr:" };
	const double start = seconds();
	struct report report = { 0 };
	struct config *config = NULL;

	assert_int_equal(config_load(path, &config, &report), -EINVAL);
	assert_true(reported(&report, REPORT_ERROR, 0, words));
	report_done(&report);
	for (size_t i = 0; i < 2; i++) {
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, LIST("%s%s"), kinds[i], path) > 0);
		assert_int_equal(config_parse_buffer(TEST_FILE, text, strlen(text), &reader,
						     &config, &report),
				 -EINVAL);
		if (!reported(&report, REPORT_ERROR, 0, words))
			fail_msg("%s: %s", text, report.entries[0].message);
		report_done(&report);
	}
	assert_true(seconds() - start < 1);
}

static void test_large_file(void **state)
{
	struct lab lab;
	int fd;

	(void)state;
	lab_open(&lab);
	fd = open(lab.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 100L * 1024 * 1024), 0);
	assert_int_equal(close(fd), 0);
	refused_everywhere(lab.path, "larger than 16 MiB");
	lab_close(&lab);
}

static void test_nul_bytes(void **state)
{
	static const char text[] = "# fine\n10.0.0.1 OK\n\0 10.0.0.2 OK\n";
	struct lab lab;
	FILE *file;

	(void)state;
	lab_open(&lab);
	file = fopen(lab.path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, sizeof(text) - 1, 1, file), 1);
	assert_int_equal(fclose(file), 0);
	refused_everywhere(lab.path, "NUL byte");
	lab_close(&lab);
}

static void test_unreadable(void **state)
{
	const bool root = geteuid() == 0;
	struct lab lab;
	FILE *file;

	(void)state;
	lab_open(&lab);
	file = fopen(lab.path, "w");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(lab.path, 0), 0);
	assert_int_equal(root ? seteuid(NOBODY) : 0, 0);
	refused_everywhere(lab.path, "Permission denied");
	assert_int_equal(root ? seteuid(0) : 0, 0);
	lab_close(&lab);
}

static void test_no_file(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	refused_everywhere(lab.path, "No such file");
	refused_everywhere(lab.directory, "not a regular file");
	refused_everywhere("/dev/zero", "not a regular file");
	/* Nobody writes to it: opening it must not wait. */
	assert_int_equal(mkfifo(lab.path, 0644), 0);
	refused_everywhere(lab.path, "not a regular file");
	/* It says that it is empty, and is not: as one that grows while it is read. */
	refused_everywhere("/proc/self/status", "changed while it was read");
	lab_close(&lab);
}

/* Vanishes once it was read. */
static int read_once(void *context, const char *path, char **ret_text, size_t *ret_size,
		     const char **reterr_message)
{
	unsigned *times = context;

	(void)path, (void)reterr_message;
	if (++*times > 1)
		return -ENOENT;
	*ret_text = strdup("10.0.0.1\n");
	*ret_size = strlen(*ret_text);
	return 0;
}

static void test_vanishing(void **state)
{
	static const char text[] = LIST("/table, $mynetworks") "mynetworks = /table\n";
	unsigned times = 0;
	const struct config_reader reader = { .read = read_once, .context = &times };
	struct report report = { 0 };
	struct config *config = NULL;

	(void)state;
	assert_int_equal(
		config_parse_buffer(TEST_FILE, text, strlen(text), &reader, &config, &report),
		-EINVAL);
	assert_true(reported(&report, REPORT_ERROR, 3, "/table: No such file"));
	report_done(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deep),        cmocka_unit_test(test_closed_nesting),
		cmocka_unit_test(test_deep_tables), cmocka_unit_test(test_complements),
		cmocka_unit_test(test_long_lists),  cmocka_unit_test(test_large_file),
		cmocka_unit_test(test_nul_bytes),   cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_no_file),     cmocka_unit_test(test_vanishing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
