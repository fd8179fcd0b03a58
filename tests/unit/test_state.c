/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.c, state_file.c, rule_tries.c: what was added at run time survives, in file and kernel,
 * whatever fails.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "random.h"
#include "state.h"
#include "state_file.h"
#include "tables_double.h"

/* A directory, and an agent as far as state.c looks at it. */
struct lab {
	char directory[64];
	int fd;
	struct daemon daemon;
	struct config config;
	struct config_pattern pattern;
	struct state *state;
};

static struct prefix parsed(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, strlen(text), PREFIX_ANY, &prefix), PREFIX_OK);
	return prefix;
}

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	strcpy(lab->directory, "/tmp/synanvil-state-XXXXXX");
	assert_non_null(mkdtemp(lab->directory));
	lab->fd = open(lab->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(lab->fd >= 0);
	lab->pattern = (struct config_pattern){ .is_prefix = true,
						.prefix = parsed("127.0.0.0/8"),
						.origin = { CONFIG_FROM_FILE, 7, "/etc/x.cf" } };
	lab->config.exceptions = (struct config_patterns){ &lab->pattern, 1 };
	lab->daemon.config = &lab->config;
	lab->daemon.loop = event_base_new();
	tables_double_reset();
	log_set_level(LOG_LEVEL_ERROR); /* what is expected to be complained about */
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;
	char command[128];

	(void)state_free(lab->state);
	event_base_free(lab->daemon.loop);
	(void)close(lab->fd);
	(void)snprintf(command, sizeof(command), "rm -rf %s", lab->directory);
	assert_int_equal(system(command), 0);
	tables_double_reset();
	free(lab);
	return 0;
}

static void start(struct lab *lab)
{
	lab->state = state_free(lab->state);
	assert_int_equal(state_new(&lab->daemon, lab->directory, &lab->state), 0);
}

static void add_exception(struct lab *lab, const char *text)
{
	const struct prefix prefix = parsed(text);
	char *message;

	assert_int_equal(state_exceptions_add(lab->state, &prefix, 1, &message), 0);
}

static void add_block(struct lab *lab, const char *text, int64_t ends_ms)
{
	const struct block_rule rule = { .prefix = parsed(text), .ends_ms = ends_ms };
	char *message;

	assert_int_equal(state_blocks_add(lab->state, &rule, 1, &message), 0);
}

static bool kernel_exempts(const char *text)
{
	const struct prefix prefix = parsed(text);

	return rules_match(tables_double.runtime, tables_double.runtime_count, &prefix) ==
	       SA_EXCEPTION_EXEMPT;
}

static uint64_t kernel_block(const char *text)
{
	const struct prefix prefix = parsed(text);

	for (size_t i = 0; i < tables_double.block_count; i++)
		if (prefix_equal(&tables_double.blocks[i].prefix, &prefix))
			return tables_double.blocks[i].expires_ms;
	return 0;
}

static void file_write(struct lab *lab, const char *text, size_t size)
{
	const int fd =
		openat(lab->fd, STATE_FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	(void)close(fd);
}

/* --- file --- */

static void random_rules(struct random *random, struct state_rules *rules)
{
	struct block_rule items[20] = { 0 };
	const size_t count = random_below(random, 20);
	const struct rule_set none = { 0 };

	for (size_t i = 0; i < count; i++)
		items[i] = (struct block_rule){ .prefix = random_prefix(random),
						.ends_ms = INT64_MAX };
	assert_int_equal(rule_set_add(&none, items, count, &rules->exceptions), 0);
	for (size_t i = 0; i < count; i++) {
		items[i].by_policy = random_below(random, 2);
		if (random_below(random, 2))
			items[i].ends_ms = (int64_t)random_below(random, 1000000000000000);
	}
	assert_int_equal(rule_set_add(&none, items, count, &rules->blocks), 0);
}

static void assert_sets_equal(const struct rule_set *a, const struct rule_set *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_true(prefix_equal(&a->items[i].prefix, &b->items[i].prefix));
		assert_int_equal(a->items[i].ends_ms, b->items[i].ends_ms);
		assert_int_equal(a->items[i].by_policy, b->items[i].by_policy);
	}
}

static void what_is_written_is_read(void **state)
{
	struct random random = { 7 };

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct state_rules rules, again;
		struct state_damage damage;
		size_t size;
		char *text;

		random_rules(&random, &rules);
		assert_int_equal(state_file_format(&rules, &text, &size), 0);
		assert_int_equal(state_file_parse(text, size, &again, &damage), 0);
		assert_null(damage.reason);
		assert_sets_equal(&rules.exceptions, &again.exceptions);
		assert_sets_equal(&rules.blocks, &again.blocks);
		free(text);
		state_rules_done(&rules);
		state_rules_done(&again);
	}
}

/* Whatever one byte is changed, or cut off, it is noticed. */
static void every_damage_is_noticed(void **state)
{
	struct random random = { 8 };
	struct state_rules rules, again;
	struct state_damage damage;
	size_t size;
	char *text;

	(void)state;
	random_rules(&random, &rules);
	assert_int_equal(state_file_format(&rules, &text, &size), 0);
	for (size_t i = 0; i < size; i++) {
		text[i] ^= 1;
		assert_int_equal(state_file_parse(text, size, &again, &damage), 0);
		assert_non_null(damage.reason);
		state_rules_done(&again);
		text[i] ^= 1;
		assert_int_equal(state_file_parse(text, i, &again, &damage), 0);
		assert_non_null(damage.reason);
		state_rules_done(&again);
	}
	free(text);
	state_rules_done(&rules);
}

static void valid_lines_of_a_damaged_file_are_kept(void **state)
{
	static const char text[] = "synanvil run-time rules 1\n"
				   "exception 10.0.0.0/8\n"
				   "exception 10.0.0.1/8\n"
				   "block 192.0.2.0/24 until 12x runtime\n"
				   "block 192.0.2.7 until deleted policy\n"
				   "block 192.0.2.10";
	struct state_rules rules;
	struct state_damage damage;

	(void)state;
	assert_int_equal(state_file_parse(text, sizeof(text) - 1, &rules, &damage), 0);
	assert_int_equal(rules.exceptions.count, 1);
	assert_int_equal(rules.blocks.count, 1);
	assert_true(rules.blocks.items[0].by_policy);
	assert_int_equal(damage.line, 3);
	assert_int_equal(damage.bad_lines, 3);
	state_rules_done(&rules);
}

/* --- agent --- */

static void changes_survive_a_new_start(void **state)
{
	struct lab *lab = *state;
	const int64_t ends_ms = wall_now().ms + 3600000;

	start(lab);
	add_exception(lab, "10.0.0.0/8");
	add_block(lab, "192.0.2.0/24", ends_ms);
	add_block(lab, "192.0.2.0/24", ends_ms + 5000);
	assert_true(kernel_exempts("10.1.2.3"));
	/* A new kernel: everything comes from the file. */
	tables_double_reset();
	start(lab);
	assert_true(kernel_exempts("10.1.2.3"));
	assert_int_equal(state_blocks(lab->state)->count, 1);
	assert_int_equal(state_blocks(lab->state)->items[0].ends_ms, ends_ms + 5000);
	assert_in_range(kernel_block("192.0.2.0/24"), mono_now().ms + 3600000,
			mono_now().ms + 3610000);
}

static void file_wins_over_pinned_tries(void **state)
{
	struct lab *lab = *state;

	start(lab);
	add_exception(lab, "10.0.0.0/8");
	assert_int_equal(unlinkat(lab->fd, STATE_FILE_NAME, 0), 0);
	start(lab);
	assert_false(kernel_exempts("10.1.2.3"));
	assert_int_equal(state_exceptions(lab->state)->count, 0);
}

static void delete_names_who_put_it_there(void **state)
{
	struct lab *lab = *state;
	const struct prefix configured = parsed("127.0.0.0/8"), unknown = parsed("10.9.9.9");
	const struct prefix two[] = { parsed("10.0.0.1"), unknown };
	char *message;

	start(lab);
	add_exception(lab, "10.0.0.1");
	assert_int_equal(state_exceptions_delete(lab->state, &configured, 1, &message), -EPERM);
	assert_non_null(strstr(message, "/etc/x.cf:7"));
	free(message);
	assert_int_equal(state_blocks_delete(lab->state, &configured, 1, &message), -ENOENT);
	free(message);
	/* All or nothing. */
	assert_int_equal(state_exceptions_delete(lab->state, two, 2, &message), -ENOENT);
	assert_non_null(strstr(message, "10.9.9.9"));
	free(message);
	assert_true(kernel_exempts("10.0.0.1"));
	assert_int_equal(state_exceptions_delete(lab->state, two, 1, &message), 0);
	assert_false(kernel_exempts("10.0.0.1"));
}

static void refused_by_the_kernel_is_taken_back(void **state)
{
	struct lab *lab = *state;
	const struct prefix added = parsed("10.2.0.0/16");
	char *message;

	start(lab);
	add_exception(lab, "10.1.0.0/16");
	tables_double.fail = -ENOSPC;
	assert_int_equal(state_exceptions_add(lab->state, &added, 1, &message), -ENOSPC);
	assert_non_null(message);
	free(message);
	assert_true(kernel_exempts("10.1.0.0"));
	assert_false(kernel_exempts("10.2.0.0"));
	start(lab);
	assert_true(kernel_exempts("10.1.0.0"));
	assert_false(kernel_exempts("10.2.0.0"));
}

static void unwritable_directory_changes_nothing(void **state)
{
	struct lab *lab = *state;
	const struct prefix added = parsed("10.2.0.0/16");
	char *message;
	unsigned writes;

	start(lab);
	/* A directory in the way of the temporary file stops root too. */
	assert_int_equal(mkdirat(lab->fd, STATE_FILE_NAME ".new", 0700), 0);
	writes = tables_double.writes;
	assert_true(state_exceptions_add(lab->state, &added, 1, &message) < 0);
	assert_non_null(message);
	free(message);
	assert_int_equal(tables_double.writes, writes);
	assert_int_equal(state_exceptions(lab->state)->count, 0);
}

static void damaged_file_is_set_aside(void **state)
{
	static const char text[] = "synanvil run-time rules 1\nexception 10.0.0.0/8\nexcep";
	struct lab *lab = *state;
	struct state_rules rules;
	struct state_damage damage;
	char command[160];

	file_write(lab, text, sizeof(text) - 1);
	start(lab);
	assert_true(kernel_exempts("10.0.0.1"));
	(void)snprintf(command, sizeof(command), "test $(cat %s/rules.damaged-* | wc -c) = %zu",
		       lab->directory, sizeof(text) - 1);
	assert_int_equal(system(command), 0);
	/* What was recovered is whole now. */
	assert_int_equal(state_file_load(lab->fd, &rules, &damage), 0);
	assert_null(damage.reason);
	assert_int_equal(rules.exceptions.count, 1);
	state_rules_done(&rules);
}

static void ends_follow_the_wall_clock(void **state)
{
	struct lab *lab = *state;
	struct wall_ms wall = wall_now();
	struct mono_ms mono = mono_now();
	unsigned writes;

	start(lab);
	add_block(lab, "192.0.2.1", wall.ms + 600000);
	writes = tables_double.writes;
	wall.ms += 900;
	assert_int_equal(state_check(lab->state, wall, mono), 0);
	assert_int_equal(tables_double.writes, writes);
	/* The clock is set an hour back: the block has an hour and ten minutes left. */
	wall.ms -= 3600000;
	assert_int_equal(state_check(lab->state, wall, mono), 0);
	assert_in_range(kernel_block("192.0.2.1"), mono.ms + 4190000, mono.ms + 4210000);
	/* And an hour ahead: it is over. */
	wall.ms += 7200000;
	assert_int_equal(state_check(lab->state, wall, mono), 0);
	assert_int_equal(kernel_block("192.0.2.1"), 0);
}

static void ended_blocks_are_forgotten(void **state)
{
	struct lab *lab = *state;
	struct wall_ms wall = wall_now();
	struct mono_ms mono = mono_now();

	start(lab);
	add_block(lab, "192.0.2.1", wall.ms - 3600000);
	add_block(lab, "192.0.2.2", wall.ms - 1000);
	add_block(lab, "192.0.2.3", INT64_MAX);
	mono.ms += 120000;
	wall.ms += 120000;
	assert_int_equal(state_check(lab->state, wall, mono), 0);
	/* The second ended too short a time ago: the clock might be wrong. */
	assert_int_equal(state_blocks(lab->state)->count, 2);
	start(lab);
	assert_int_equal(state_blocks(lab->state)->count, 2);
	assert_true(kernel_block("192.0.2.3") == ~0ULL);
	assert_int_equal(kernel_block("192.0.2.2"), 0);
}

static void moving_keeps_the_rules(void **state)
{
	struct lab *lab = *state;
	char other[80], file[96], command[192];
	const struct prefix prefix = parsed("10.0.0.0/8");
	char *message;

	start(lab);
	add_exception(lab, "10.0.0.0/8");
	(void)snprintf(other, sizeof(other), "%s/other", lab->directory);
	assert_int_equal(state_move(lab->state, other), 0);
	(void)snprintf(file, sizeof(file), "%s/%s", other, STATE_FILE_NAME);
	assert_int_equal(access(file, R_OK), 0);
	/* There and back again: the same rules are not set aside. */
	assert_int_equal(state_move(lab->state, lab->directory), 0);
	assert_int_equal(state_move(lab->state, other), 0);
	(void)snprintf(command, sizeof(command), "! ls %s %s | grep -q replaced", lab->directory,
		       other);
	assert_int_equal(system(command), 0);
	assert_int_equal(state_exceptions_delete(lab->state, &prefix, 1, &message), 0);
	/* The old directory is as it was left, which is not what holds now. */
	assert_int_equal(state_move(lab->state, lab->directory), 0);
	(void)snprintf(command, sizeof(command), "ls %s | grep -q replaced", lab->directory);
	assert_int_equal(system(command), 0);
	assert_int_equal(state_exceptions(lab->state)->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(every_damage_is_noticed),
		cmocka_unit_test(valid_lines_of_a_damaged_file_are_kept),
		cmocka_unit_test_setup_teardown(changes_survive_a_new_start, setup, teardown),
		cmocka_unit_test_setup_teardown(file_wins_over_pinned_tries, setup, teardown),
		cmocka_unit_test_setup_teardown(delete_names_who_put_it_there, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_by_the_kernel_is_taken_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unwritable_directory_changes_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(damaged_file_is_set_aside, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_follow_the_wall_clock, setup, teardown),
		cmocka_unit_test_setup_teardown(ended_blocks_are_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(moving_keeps_the_rules, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
