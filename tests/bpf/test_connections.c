/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counting programs, attached in each way there is: real sockets on the loopback of a network
 * namespace of this test's own, and what the tables say of them.
 */
#include "lab_live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connections.skel.h"
#include "lab_sockets.h"
#include "synanvil/live.h"

static enum looks looks; /* of the group of tests that runs */
static struct connections_bpf *programs[2];
static struct lab *lab;
static const struct sa_service *mail; /* port 25 at any address */
static int listener = -1;

/* --- what is counted --- */

static uint32_t of_source(const char *address)
{
	return lab_live(lab, address, mail);
}

static uint32_t of_service(void)
{
	return lab_service_live(lab, mail);
}

static size_t entries(void)
{
	return lab_entries(lab);
}

static void counted(const char *what, const char *address, uint32_t source, uint32_t service)
{
	if (of_source(address) != source || of_service() != service)
		fail_msg("%s: %s has %u, the service %u; want %u and %u", what, address,
			 of_source(address), of_service(), source, service);
}

/* --- setup --- */

static struct pair pair_from(const char *from)
{
	return pair_at(listener, from);
}

static int setup(void **state)
{
	const int result = lab_live_setup(state);

	lab = *state;
	mail = &lab->settings.services[0];
	if (!lab->tables.live_head)
		assert_int_equal(tables_live_open(&lab->tables), 0);
	tables_live_epoch_kept(&lab->tables, lab->settings.epoch);
	if (!programs[0])
		programs[0] = counting_attach(lab, looks);
	if (listener < 0)
		listener = listen_at(AF_INET, "0.0.0.0", 25);
	lab_take_homes(lab, false);
	assert_int_equal(entries(), 0);
	return result;
}

/* So that all entries are in the map. */
static int setup_homeless(void **state)
{
	const int result = setup(state);

	lab_take_homes(lab, true);
	return result;
}

/* --- tests --- */

static void opened_and_closed_by_either_end(void **state)
{
	struct pair one, other;

	(void)state;
	one = pair_from("127.0.0.2");
	other = pair_from("127.0.0.2");
	counted("two open", "127.0.0.2", 2, 2);
	(void)close(one.client);
	counted("the client has closed", "127.0.0.2", 2, 2);
	(void)close(one.server);
	counted("and the server", "127.0.0.2", 1, 1);
	(void)close(other.server);
	counted("the server has closed", "127.0.0.2", 0, 0);
	(void)close(other.client);
	assert_int_equal(entries(), 0);
}

static void reset_by_either_end(void **state)
{
	struct pair pair = pair_from("127.0.0.2");

	(void)state;
	reset(pair.client);
	counted("reset by the client", "127.0.0.2", 0, 0);
	(void)close(pair.server);
	pair = pair_from("127.0.0.2");
	counted("open", "127.0.0.2", 1, 1);
	reset(pair.server);
	counted("reset by the server", "127.0.0.2", 0, 0);
	(void)close(pair.client);
	assert_int_equal(entries(), 0);
}

static void a_listener_takes_its_backlog_along(void **state)
{
	int client[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		client[i] = connect_from(AF_INET, "127.0.0.2", "127.0.0.1", 25);
	counted("in the backlog", "127.0.0.2", 3, 3);
	(void)close(listener);
	listener = -1;
	counted("after the listener", "127.0.0.2", 0, 0);
	for (int i = 0; i < 3; i++)
		(void)close(client[i]);
}

static void both_families_and_ipv4_on_an_ipv6_socket(void **state)
{
	int both, native, mapped;

	(void)state;
	(void)close(listener);
	both = listen_at(AF_INET6, "::", 25);
	native = connect_from(AF_INET6, "::1", "::1", 25);
	mapped = connect_from(AF_INET, "127.0.0.3", "127.0.0.1", 25);
	counted("IPv6", "::1", 1, 2);
	counted("mapped", "127.0.0.3", 1, 2);
	(void)close(both);
	counted("closed", "::1", 0, 0);
	counted("closed", "127.0.0.3", 0, 0);
	(void)close(native);
	(void)close(mapped);
	listener = -1;
}

static void other_ports_and_the_clients_end_do_not_count(void **state)
{
	int other = listen_at(AF_INET, "127.0.0.1", 26);
	int client = connect_from(AF_INET, "127.0.0.2", "127.0.0.1", 26);
	struct pair pair;

	(void)state;
	counted("port 26", "127.0.0.2", 0, 0);
	pair = pair_from("127.0.0.2");
	counted("one end", "127.0.0.2", 1, 1);
	counted("the other end", "127.0.0.1", 0, 1);
	assert_int_equal(entries(), 1);
	pair_close(pair);
	(void)close(client);
	(void)close(other);
}

#define FAST_OPEN "/proc/sys/net/ipv4/tcp_fastopen"
#define FAST_ALL  "1543" /* client and server, no cookie of theirs needed, all listeners */

/* Its socket is there, and maybe accepted, before the handshake is done. */
static void opened_fast_counts_once(void **state)
{
	FILE *setting = fopen(FAST_OPEN, "we");
	struct pair pair;

	(void)state;
	assert_non_null(setting);
	assert_true(fputs(FAST_ALL, setting) >= 0);
	assert_int_equal(fclose(setting), 0);
	(void)close(listener);
	listener = listen_at(AF_INET, "0.0.0.0", 25);
	pair.client = connect_fast("127.0.0.2", "127.0.0.1", 25);
	pair.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	counted("opened fast", "127.0.0.2", 1, 1);
	assert_int_equal(entries(), 1);
	pair_close(pair);
	counted("closed", "127.0.0.2", 0, 0);
	assert_int_equal(entries(), 0);
}

/* Under it are TCP sockets; it is none itself, and goes through the same states. */
static void multipath_counts_once(void **state)
{
	struct pair pair;

	(void)state;
	(void)close(listener);
	listener = listen_with(IPPROTO_MPTCP, AF_INET, "0.0.0.0", 25);
	if (listener < 0)
		skip();
	pair.client = connect_with(IPPROTO_MPTCP, AF_INET, "127.0.0.2", "127.0.0.1", 25);
	pair.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	counted("multipath", "127.0.0.2", 1, 1);
	reset(pair.client);
	(void)close(pair.server);
	(void)close(listener);
	listener = -1;
	counted("closed", "127.0.0.2", 0, 0);
	assert_int_equal(entries(), 0);
}

static void other_namespaces_do_not_count(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		if (unshare(CLONE_NEWNET))
			_exit(1);
		loopback_up();
		listener = listen_at(AF_INET, "0.0.0.0", 25);
		(void)pair_from("127.0.0.2");
		_exit(of_service() == 0 && entries() == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void the_place_is_given_back(void **state)
{
	struct pair pair;

	lab->settings.services[0].connection_limit = 5;
	lab_apply(lab);
	(void)state;
	assert_int_equal(lab_attempts(lab, "127.0.0.2", 25, 2), 2);
	assert_int_equal(lab_places(lab, "127.0.0.2", mail), 2);
	pair = pair_from("127.0.0.2");
	counted("established", "127.0.0.2", 1, 1);
	assert_int_equal(lab_places(lab, "127.0.0.2", mail), 1);
	pair_close(pair);
	assert_int_equal(lab_places(lab, "127.0.0.2", mail), 1);
}

/* Whoever was found to have no connection is looked up again once one has opened. */
static void an_opening_is_seen_by_the_next_attempt(void **state)
{
	struct pair pair;

	(void)state;
	lab->settings.services[0].rate_limit = 0;
	lab->settings.services[0].connection_limit = 1;
	lab_apply(lab);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(lab_attempts(lab, "127.0.0.2", 25, 3), 1);
		lab_age_places(lab, "127.0.0.2", mail, 2);
		pair = pair_from("127.0.0.2");
		assert_int_equal(lab_attempts(lab, "127.0.0.2", 25, 3), 0);
		pair_close(pair);
	}
}

static void another_epoch_begins_at_zero_and_the_last_one_ends_well(void **state)
{
	struct pair before = pair_from("127.0.0.2"), after;

	(void)state;
	lab->settings.epoch++;
	lab_apply(lab);
	counted("nothing of before", "127.0.0.2", 0, 0);
	after = pair_from("127.0.0.2");
	counted("what has opened since", "127.0.0.2", 1, 1);
	pair_close(before);
	counted("not theirs", "127.0.0.2", 1, 1);
	assert_int_equal(entries(), 1);
	pair_close(after);
	counted("closed", "127.0.0.2", 0, 0);
	assert_int_equal(entries(), 0);
}

/* As while one agent takes over from another. */
static void two_programs_count_once(void **state)
{
	struct pair pair;

	(void)state;
	programs[1] = counting_attach(lab, looks);
	pair = pair_from("127.0.0.2");
	counted("open", "127.0.0.2", 1, 1);
	connections_bpf__destroy(programs[1]);
	pair_close(pair);
	counted("closed", "127.0.0.2", 0, 0);
}

static void the_agent_and_the_kernel_count_once(void **state)
{
	struct pair pair = pair_from("127.0.0.2");
	struct sa_connection_key key;
	struct sa_connection entry;
	struct tables_cursor cursor = {};
	size_t count = 0;

	(void)state;
	assert_true(tables_connections_batch(&lab->tables, &cursor, &key, &entry, 1, &count) >= 0);
	assert_int_equal(count, 1);
	assert_int_equal(tables_connection_enter(&lab->tables, &key, &entry), -EEXIST);
	counted("entered twice", "127.0.0.2", 1, 1);
	assert_int_equal(tables_connection_leave(&lab->tables, &key), 0);
	counted("taken back", "127.0.0.2", 0, 0);
	assert_int_equal(tables_connection_leave(&lab->tables, &key), -ENOENT);
	pair_close(pair);
	counted("closed", "127.0.0.2", 0, 0);
	assert_int_equal(tables_connection_enter(&lab->tables, &key, &entry), 0);
	counted("by the agent", "127.0.0.2", 1, 1);
	assert_int_equal(tables_connection_leave(&lab->tables, &key), 0);
}

/* A socket is asked to tell when it opens; the tracing program sees those that were not. */
static void what_opened_before_the_sockets_are_asked_ends_too(void **state)
{
	struct pair pair;

	(void)state;
	if (!looks_are_possible(LOOKS_TOLD_AND_TRACED))
		skip();
	connections_bpf__destroy(programs[0]);
	programs[0] = counting_attach(lab, LOOKS_TRACED_TWICE);
	pair = pair_from("127.0.0.2");
	connections_bpf__destroy(programs[0]);
	programs[0] = counting_attach(lab, LOOKS_TOLD_AND_TRACED);
	counted("open", "127.0.0.2", 1, 1);
	pair_close(pair);
	counted("closed", "127.0.0.2", 0, 0);
}

static void a_full_table_says_so_and_loses_nothing(void **state)
{
	uint64_t uncounted = tables_live_uncounted(&lab->tables);
	struct pair counted_one, other;

	(void)state;
	lab_take_homes(lab, true);
	counted_one = pair_from("127.0.0.2");
	lab_fill_connections(lab, true);
	other = pair_from("127.0.0.2");
	assert_int_equal(tables_live_uncounted(&lab->tables), uncounted + 1);
	counted("full", "127.0.0.2", 1, 1);
	pair_close(other);
	counted("still", "127.0.0.2", 1, 1);
	pair_close(counted_one);
	counted("closed", "127.0.0.2", 0, 0);
	lab_fill_connections(lab, false);
	other = pair_from("127.0.0.2");
	counted("room again", "127.0.0.2", 1, 1);
	pair_close(other);
	lab_take_homes(lab, false);
}

static void a_full_bucket_says_so_and_takes_from_nobody(void **state)
{
	const struct sa_source_key key = lab_key(lab, "127.0.0.2", mail);
	uint64_t uncounted = tables_live_uncounted(&lab->tables);
	struct sa_live_bucket full, left, empty = {};
	struct pair pair;
	uint32_t bucket;

	(void)state;
	bucket = sa_live_place(lab->tables.live_head->seed, &key, lab->settings.epoch).bucket;
	for (uint64_t i = 0; i < SA_LIVE_WAYS; i++)
		full.words[i] = (1000 + i) << SA_LIVE_COUNT_BITS | (i + 1);
	assert_int_equal(bpf_map_update_elem(lab->tables.live, &bucket, &full, BPF_ANY), 0);
	pair = pair_from("127.0.0.2");
	counted("by the service alone", "127.0.0.2", 0, 1);
	assert_int_equal(tables_live_uncounted(&lab->tables), uncounted + 1);
	pair_close(pair);
	counted("closed", "127.0.0.2", 0, 0);
	assert_int_equal(bpf_map_lookup_elem(lab->tables.live, &bucket, &left), 0);
	assert_memory_equal(&left, &full, sizeof(full));
	assert_int_equal(bpf_map_update_elem(lab->tables.live, &bucket, &empty, BPF_ANY), 0);
}

#define COUNTING_TEST(function) cmocka_unit_test_setup(function, setup)
#define COUNTING_TEST_BOTH(function)                                             \
	COUNTING_TEST(function),                                                 \
	{                                                                        \
#function ", no home free", function, setup_homeless, NULL, NULL \
	}

/* The group before has left others. */
static void look_anew(enum looks wanted)
{
	looks = wanted;
	connections_bpf__destroy(programs[0]);
	programs[0] = NULL;
}

static int each_way(enum looks wanted, const char *group)
{
	struct CMUnitTest tests[] = {
		COUNTING_TEST_BOTH(opened_and_closed_by_either_end),
		COUNTING_TEST_BOTH(reset_by_either_end),
		COUNTING_TEST_BOTH(a_listener_takes_its_backlog_along),
		COUNTING_TEST_BOTH(both_families_and_ipv4_on_an_ipv6_socket),
		COUNTING_TEST_BOTH(opened_fast_counts_once),
		COUNTING_TEST_BOTH(multipath_counts_once),
		COUNTING_TEST_BOTH(other_ports_and_the_clients_end_do_not_count),
		COUNTING_TEST(other_namespaces_do_not_count),
		COUNTING_TEST_BOTH(the_place_is_given_back),
		COUNTING_TEST_BOTH(an_opening_is_seen_by_the_next_attempt),
		COUNTING_TEST_BOTH(another_epoch_begins_at_zero_and_the_last_one_ends_well),
		COUNTING_TEST_BOTH(two_programs_count_once),
		COUNTING_TEST(a_full_table_says_so_and_loses_nothing),
		COUNTING_TEST_BOTH(a_full_bucket_says_so_and_takes_from_nobody),
	};

	look_anew(wanted);
	if (!looks_are_possible(wanted)) {
		(void)fprintf(stderr, "%s: skipped: no root of the cgroups here\n", group);
		lab_skip(tests, sizeof(tests) / sizeof(tests[0]));
	}
	return LAB_RUN(group, tests);
}

int main(void)
{
	struct CMUnitTest once[] = {
		COUNTING_TEST_BOTH(the_agent_and_the_kernel_count_once),
		COUNTING_TEST(what_opened_before_the_sockets_are_asked_ends_too),
	};
	int failed = 0;

	/* Its own ports and its own loopback; everything else stays as it is. */
	if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
		loopback_up();
	failed += each_way(LOOKS_TOLD, "connections, told by the sockets");
	failed += each_way(LOOKS_TRACED_TWICE, "connections, traced twice");
	failed += each_way(LOOKS_TOLD_AND_TRACED, "connections, told and traced");
	look_anew(LOOKS_TRACED_TWICE);
	return failed + LAB_RUN("connections", once);
}
