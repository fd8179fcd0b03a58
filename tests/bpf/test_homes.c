/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of live connections, at home and in the map: the counting program's entry and exit, run
 * for cookies that the test chooses, beside the agent's.
 */
#include "lab_live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "entries.h"
#include "entries.skel.h"
#include "synanvil.skel.h"
#include "synanvil/homes.h"

#define CLIENT     "192.0.2.7"
#define COOKIE     1000ULL
#define LAST_FORTH ((1ULL << 48) - 1)
#define FIRST_BACK (~0ULL) /* that Linux counts down from */

static struct entries_bpf *program;
static struct lab *lab;
static const struct sa_service *mail;

/* --- the program and the tables --- */

static void program_load(void)
{
	struct bpf_map *map;

	program = entries_bpf__open();
	assert_non_null(program);
	bpf_object__for_each_map(map, program->obj)
	{
		if (!bpf_map__is_internal(map))
			assert_int_equal(bpf_map__reuse_fd(map, bpf_object__find_map_fd_by_name(
									lab->skeleton->obj,
									bpf_map__name(map))),
					 0);
	}
	assert_int_equal(entries_bpf__load(program), 0);
}

static int setup(void **state)
{
	const int result = lab_live_setup(state);

	lab = *state;
	mail = &lab->settings.services[0];
	if (!lab->tables.live_head)
		assert_int_equal(tables_live_open(&lab->tables), 0);
	tables_live_epoch_kept(&lab->tables, lab->settings.epoch);
	if (!program)
		program_load();
	lab_take_homes(lab, false);
	assert_int_equal(lab_entries(lab), 0);
	return result;
}

static uint32_t run(const struct bpf_program *which, uint64_t cookie, uint32_t epoch, bool again)
{
	struct entries_call call = { .cookie = cookie,
				     .epoch = epoch,
				     .slot = mail->slot,
				     .source = lab_key(lab, CLIENT, mail),
				     .again = again };
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &call, .ctx_size_in = sizeof(call));

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(which), &options), 0);
	return options.retval;
}

static bool opens(uint64_t cookie)
{
	return run(program->progs.entries_enter, cookie, lab->settings.epoch, false);
}

static bool opens_again(uint64_t cookie)
{
	return run(program->progs.entries_enter, cookie, lab->settings.epoch, true);
}

static void closes(uint64_t cookie)
{
	(void)run(program->progs.entries_leave, cookie, lab->settings.epoch, false);
}

static struct sa_connection_key key_of(uint64_t cookie)
{
	return (struct sa_connection_key){ .cookie = cookie, .epoch = lab->settings.epoch };
}

static uint64_t *home_of(uint64_t cookie)
{
	return (uint64_t *)&lab_homes(lab)[sa_home_index(cookie)].word;
}

static bool is_at_home(uint64_t cookie)
{
	return sa_home_is_of(*home_of(cookie), cookie);
}

static struct sa_connection connection(void)
{
	return (struct sa_connection){ .source = lab_key(lab, CLIENT, mail),
				       .slot = (uint16_t)mail->slot };
}

static int agent_enters(uint64_t cookie)
{
	const struct sa_connection_key key = key_of(cookie);
	const struct sa_connection value = connection();

	return tables_connection_enter(&lab->tables, &key, &value);
}

static int agent_removes(uint64_t cookie)
{
	const struct sa_connection_key key = key_of(cookie);

	return tables_connection_leave(&lab->tables, &key);
}

static void counted(const char *what, uint32_t want)
{
	if (lab_live(lab, CLIENT, mail) != want || lab_service_live(lab, mail) != want ||
	    lab_entries(lab) != want)
		fail_msg("%s: the source has %u, the service %u, entries are %zu; want %u", what,
			 lab_live(lab, CLIENT, mail), lab_service_live(lab, mail), lab_entries(lab),
			 want);
}

/* --- one at a time --- */

static void at_home_the_agent_sees_and_removes_it(void **state)
{
	const struct sa_connection_key key = key_of(COOKIE);
	const struct sa_connection want = connection();
	struct sa_connection found;

	(void)state;
	assert_true(opens(COOKIE));
	counted("open", 1);
	assert_true(is_at_home(COOKIE));
	assert_int_equal(tables_connection_read(&lab->tables, &key, &found), 0);
	assert_memory_equal(&found.source, &want.source, sizeof(want.source));
	assert_int_equal(found.slot, mail->slot);
	assert_int_equal(found.counted, SA_COUNTED_SOURCE | SA_COUNTED_SERVICE);
	assert_int_equal(agent_enters(COOKIE), -EEXIST);
	counted("not twice", 1);
	assert_int_equal(agent_removes(COOKIE), 0);
	counted("removed", 0);
	assert_int_equal(agent_removes(COOKIE), -ENOENT);
	assert_int_equal(tables_connection_read(&lab->tables, &key, &found), -ENOENT);
	closes(COOKIE);
	counted("not below", 0);
	assert_int_equal(*home_of(COOKIE), 0);
	assert_true(opens(COOKIE + SA_HOMES));
	assert_true(is_at_home(COOKIE + SA_HOMES));
	closes(COOKIE + SA_HOMES);
	counted("the next one there", 0);
}

static void one_whose_home_is_taken_goes_to_the_map(void **state)
{
	const uint64_t first = COOKIE, second = COOKIE + SA_HOMES;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		assert_true(opens(first));
		assert_true(opens(second));
		counted("both", 2);
		assert_true(is_at_home(first));
		assert_int_equal(lab->tables.live_head->strays, 1);
		assert_int_equal(agent_enters(second), -EEXIST);
		closes(turn ? first : second);
		counted("one", 1);
		closes(turn ? second : first);
		counted("none", 0);
		assert_int_equal(lab->tables.live_head->strays, 0);
		assert_int_equal(*home_of(first), 0);
	}
}

/* As when the program is interrupted between its two looks, or the next agent's is there too. */
static void one_that_went_to_the_map_stays_there(void **state)
{
	const uint64_t first = COOKIE, second = COOKIE + SA_HOMES;

	(void)state;
	assert_true(opens(first));
	assert_true(opens(second));
	closes(first);
	counted("its home is free now", 1);
	assert_false(opens_again(second));
	counted("looked at again", 1);
	assert_false(opens(second));
	counted("looked at by another program", 1);
	closes(second);
	counted("closed", 0);
}

static void one_at_home_is_known_again(void **state)
{
	(void)state;
	assert_true(opens(COOKIE));
	assert_false(opens_again(COOKIE));
	assert_false(opens(COOKIE));
	counted("once", 1);
	closes(COOKIE);
	closes(COOKIE);
	counted("closed", 0);
}

/* Their last 48 bits alone would be another cookie's. */
static void cookies_that_are_counted_down_have_no_home(void **state)
{
	struct sa_connection_key key;
	struct sa_connection value;
	struct tables_cursor cursor = {};
	size_t count = 0;

	(void)state;
	assert_true(opens(FIRST_BACK));
	counted("open", 1);
	assert_int_equal(*home_of(FIRST_BACK), 0);
	assert_true(tables_connections_batch(&lab->tables, &cursor, &key, &value, 1, &count) >= 0);
	assert_int_equal(count, 1);
	assert_true(key.cookie == FIRST_BACK);
	assert_int_equal(agent_enters(FIRST_BACK), -EEXIST);
	assert_true(opens(LAST_FORTH));
	assert_true(is_at_home(LAST_FORTH));
	counted("the one with the same last bits", 2);
	closes(FIRST_BACK);
	counted("one", 1);
	assert_true(is_at_home(LAST_FORTH));
	closes(LAST_FORTH);
	counted("closed", 0);
	*home_of(LAST_FORTH) = sa_home_making(LAST_FORTH);
	assert_int_equal(agent_enters(FIRST_BACK), 0);
	assert_int_equal(agent_removes(FIRST_BACK), 0);
}

static void one_that_is_being_made_is_left_alone(void **state)
{
	const struct sa_connection_key key = key_of(COOKIE);
	struct sa_connection found;

	(void)state;
	*home_of(COOKIE) = sa_home_making(COOKIE);
	counted("nothing to be seen", 0);
	assert_int_equal(tables_connection_read(&lab->tables, &key, &found), 0);
	assert_int_equal(agent_enters(COOKIE), -EEXIST);
	assert_int_equal(agent_removes(COOKIE), -ENOENT);
	assert_false(opens_again(COOKIE));
	assert_true(opens(COOKIE + SA_HOMES));
	counted("another one", 1);
	closes(COOKIE + SA_HOMES);
	assert_true(*home_of(COOKIE) == sa_home_making(COOKIE));
	counted("not counted", 0);
}

/* Its old entry at home, the new one in the map, until the agent has seen to all of them. */
static void a_connection_of_two_epochs_leaves_both(void **state)
{
	const struct sa_connection_key old = key_of(COOKIE);

	(void)state;
	assert_true(opens(COOKIE));
	lab->settings.epoch++;
	assert_int_equal(agent_enters(COOKIE), 0);
	assert_int_equal(lab_live(lab, CLIENT, mail), 1);
	assert_int_equal(lab_entries(lab), 2);
	closes(COOKIE);
	counted("neither", 0);
	lab->settings.epoch--;
	assert_int_equal(lab_live(lab, CLIENT, mail), 0);

	assert_true(opens(COOKIE));
	lab->settings.epoch++;
	assert_int_equal(agent_enters(COOKIE), 0);
	assert_int_equal(tables_connection_leave(&lab->tables, &old), 0);
	counted("the new one", 1);
	tables_live_epoch_kept(&lab->tables, lab->settings.epoch);
	closes(COOKIE);
	counted("closed", 0);
	lab->sequence = lab->settings.epoch;
}

/* --- a walk over both --- */

static unsigned times_found(uint64_t cookie, size_t size)
{
	struct sa_connection_key keys[16];
	struct sa_connection values[16];
	struct tables_cursor cursor = {};
	unsigned times = 0;
	size_t count;
	int more = 1;

	while (more > 0) {
		count = 0;
		more = tables_connections_batch(&lab->tables, &cursor, keys, values, size, &count);
		assert_true(more >= 0);
		assert_in_range(count, 0, size);
		for (size_t i = 0; i < count; i++)
			times += keys[i].cookie == cookie;
	}
	return times;
}

static void a_walk_meets_each_once_whatever_its_steps(void **state)
{
	const uint64_t cookies[] = { SA_HOMES,         SA_HOMES + 1,     SA_HOMES + 2,
				     2 * SA_HOMES - 2, 2 * SA_HOMES - 1, 2 * SA_HOMES,
				     3 * SA_HOMES - 1, 7 * SA_HOMES,     FIRST_BACK };
	const size_t count = sizeof(cookies) / sizeof(cookies[0]);
	const size_t sizes[] = { 1, 2, 3, 5, 8, 16 };

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_true(opens(cookies[i]));
	assert_int_equal(lab->tables.live_head->strays, 4);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t j = 0; j < count; j++)
			assert_int_equal(times_found(cookies[j], sizes[i]), 1);
	for (size_t i = 0; i < count; i++)
		closes(cookies[i]);
	counted("closed", 0);
}

/* --- at once --- */

#define THREADS 3
#define TURNS   30000

/* So that one taken back too often is missed: counts do not go below 0. */
#define STAYING 1000U

static void staying_ones(void (*act)(uint64_t cookie))
{
	for (uint64_t cookie = 30000; cookie < 30000 + STAYING; cookie++)
		act(cookie);
}

static void open_one(uint64_t cookie)
{
	assert_true(opens(cookie));
}

/* Cookies of one home; each opens and closes once, as sockets do. */
static void *connections_come_and_go(void *argument)
{
	const uint64_t first = *(const uint64_t *)argument;

	for (uint64_t i = 0; i < TURNS; i++) {
		const uint64_t cookie = first + i * THREADS * SA_HOMES;

		(void)opens(cookie);
		(void)opens_again(cookie);
		closes(cookie);
	}
	return NULL;
}

/* What it finds is removed at any moment, by it or by the program, and taken back once. */
static void all_at_one_home_are_taken_back_once(void **state)
{
	uint64_t first[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	staying_ones(open_one);
	for (uint64_t i = 0; i < THREADS; i++) {
		first[i] = COOKIE + i * SA_HOMES;
		assert_int_equal(
			pthread_create(&threads[i], NULL, connections_come_and_go, &first[i]), 0);
	}
	for (unsigned i = 0; i < 4 * TURNS; i++)
		(void)agent_removes(*(volatile uint64_t *)home_of(COOKIE) >> SA_HOME_COOKIE_SHIFT);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	counted("all closed", STAYING);
	staying_ones(closes);
	assert_int_equal(lab->tables.live_head->strays, 0);
}

#define ENTERED 64U
#define KILLS   40U

/* What is at home the agent only removes; so the program enters it first. */
static void agent_works(bool at_home)
{
	for (;;) {
		for (uint64_t cookie = 1; cookie <= ENTERED; cookie++)
			(void)(at_home ? opens(cookie) : agent_enters(cookie));
		for (uint64_t cookie = 1; cookie <= ENTERED; cookie++)
			(void)agent_removes(cookie);
	}
}

/* Each kill may cost one, never leave one too many. */
static void counted_at_most(uint32_t entries, uint32_t kills)
{
	assert_int_equal(lab_entries(lab), entries);
	assert_in_range(lab_live(lab, CLIENT, mail), entries - kills, entries);
	assert_in_range(lab_service_live(lab, mail), entries - kills, entries);
}

static void killed_at_any_moment(bool at_home, uint32_t *ret_kills)
{
	for (useconds_t i = 0; i < KILLS; i++, ++*ret_kills) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			agent_works(at_home);
		(void)usleep(1000 + i * 37);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		tables_live_close(&lab->tables);
		assert_int_equal(tables_live_open(&lab->tables), 0);
		for (uint64_t cookie = 1; cookie <= ENTERED; cookie++)
			(void)agent_removes(cookie);
		counted_at_most(STAYING, *ret_kills);
	}
}

/* Wherever it is killed: no connection stays counted that has no entry. */
static void an_agent_that_is_killed_leaves_nothing_counted(void **state)
{
	uint32_t kills = 1;

	(void)state;
	staying_ones(open_one);
	killed_at_any_moment(true, &kills);
	killed_at_any_moment(false, &kills);
	staying_ones(closes);
	counted("all closed", 0);
}

#define HOMES_TEST(function) cmocka_unit_test_setup(function, setup)

int main(void)
{
	struct CMUnitTest tests[] = {
		HOMES_TEST(at_home_the_agent_sees_and_removes_it),
		HOMES_TEST(one_whose_home_is_taken_goes_to_the_map),
		HOMES_TEST(one_that_went_to_the_map_stays_there),
		HOMES_TEST(one_at_home_is_known_again),
		HOMES_TEST(cookies_that_are_counted_down_have_no_home),
		HOMES_TEST(one_that_is_being_made_is_left_alone),
		HOMES_TEST(a_connection_of_two_epochs_leaves_both),
		HOMES_TEST(a_walk_meets_each_once_whatever_its_steps),
		HOMES_TEST(all_at_one_home_are_taken_back_once),
		HOMES_TEST(an_agent_that_is_killed_leaves_nothing_counted),
	};

	return LAB_RUN("homes", tests);
}
