/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counting program, attached: real sockets on the loopback of a network namespace of this
 * test's own, and what the tables say of them.
 */
#include "lab_live.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connections.skel.h"
#include "storms.h"
#include "synanvil.skel.h"
#include "synanvil/homes.h"
#include "synanvil/live.h"

#define BACKLOG 64
#define BATCH   4096

static struct connections_bpf *programs[2];
static struct lab *lab;
static const struct sa_service *mail; /* port 25 at any address */
static int listener = -1;

/* --- sockets --- */

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ioctl(any, SIOCSIFFLAGS, &request), 0);
	(void)close(any);
}

/* IPv4 text for an IPv6 socket is mapped. */
static socklen_t address_for(int family, const char *text, uint16_t port,
			     struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)ret_address;

	memset(ret_address, 0, sizeof(*ret_address));
	if (family == AF_INET) {
		*ipv4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		assert_int_equal(inet_pton(AF_INET, text, &ipv4->sin_addr), 1);
		return sizeof(*ipv4);
	}
	*ipv6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
	assert_int_equal(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1);
	return sizeof(*ipv6);
}

static int listen_at(int family, const char *text, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size = address_for(family, text, port, &address);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, BACKLOG), 0);
	return fd;
}

static int connect_from(int family, const char *from, const char *to, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size = address_for(family, from, 0, &address);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	(void)address_for(family, to, port, &address);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

/* One connection, both ends. */
struct pair {
	int client;
	int server;
};

static struct pair pair_from(const char *from)
{
	struct pair pair = { .client = connect_from(AF_INET, from, "127.0.0.1", 25) };

	pair.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair.server >= 0);
	return pair;
}

static void pair_close(struct pair pair)
{
	(void)close(pair.server);
	(void)close(pair.client);
}

static void reset(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	(void)close(fd);
}

/* --- what is counted --- */

static uint32_t of_source(const char *address)
{
	const struct sa_address full = address_of(address);
	const struct sa_address *mask =
		strchr(address, ':') ? &lab->settings.mask_ipv6 : &lab->settings.mask_ipv4;
	const struct sa_address masked = { full.high_be & mask->high_be,
					   full.low_be & mask->low_be };
	struct sa_source_key key = { .service = mail->id };

	memcpy(key.address, &masked, sizeof(masked));
	return tables_live_of_source(&lab->tables, &key, lab->settings.epoch);
}

static uint32_t of_service(void)
{
	return tables_live_of_service(&lab->tables, mail->slot, lab->settings.epoch);
}

static size_t entries(void)
{
	static struct sa_connection_key keys[BATCH];
	static struct sa_connection values[BATCH];
	struct tables_cursor cursor = {};
	size_t sum = 0, count;
	int more = 1;

	while (more > 0) {
		count = 0;
		more = tables_connections_batch(&lab->tables, &cursor, keys, values, BATCH, &count);
		assert_true(more >= 0);
		sum += count;
	}
	return sum;
}

static void counted(const char *what, const char *address, uint32_t source, uint32_t service)
{
	if (of_source(address) != source || of_service() != service)
		fail_msg("%s: %s has %u, the service %u; want %u and %u", what, address,
			 of_source(address), of_service(), source, service);
}

/* --- setup --- */

static struct connections_bpf *program_attach(void)
{
	struct connections_bpf *program = connections_bpf__open();
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	struct bpf_map *map;
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_non_null(program);
	assert_int_equal(getsockopt(any, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size), 0);
	(void)close(any);
	program->rodata->net_cookie = cookie;
	bpf_object__for_each_map(map, program->obj)
	{
		if (!bpf_map__is_internal(map))
			assert_int_equal(bpf_map__reuse_fd(map, bpf_object__find_map_fd_by_name(
									lab->skeleton->obj,
									bpf_map__name(map))),
					 0);
	}
	assert_int_equal(connections_bpf__load(program), 0);
	assert_int_equal(connections_bpf__attach(program), 0);
	return program;
}

static int setup(void **state)
{
	const int result = lab_live_setup(state);

	lab = *state;
	mail = &lab->settings.services[0];
	if (!lab->tables.live_head)
		assert_int_equal(tables_live_open(&lab->tables), 0);
	if (!programs[0])
		programs[0] = program_attach();
	if (listener < 0)
		listener = listen_at(AF_INET, "0.0.0.0", 25);
	assert_int_equal(entries(), 0);
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

#define LIMIT  200U
#define OPENED 100
#define ROUNDS 200

static void one_round_keeps_to_the_limit(void)
{
	struct pair pairs[OPENED];

	for (int i = 0; i < OPENED; i++) {
		uint32_t places, live;

		pairs[i] = pair_from("127.0.0.2");
		places = lab_places(lab, "127.0.0.2", mail);
		live = of_source("127.0.0.2");
		if (places + live > LIMIT)
			fail_msg("%u connections and %u places, of %u", live, places, LIMIT);
	}
	for (int i = 0; i < OPENED; i++)
		pair_close(pairs[i]);
}

/*
 * Attempts on all CPUs take what places there are, while connections open: each is counted as its
 * place is given back, and no attempt may see it in neither. That needs many of them to be seen.
 */
static void a_burst_while_connections_open_keeps_to_the_limit(void **state)
{
	const struct storm_plan plan = { .source = STORM_ADDRESS(127, 0, 0, 2),
					 .sources = 1,
					 .in_a_row = 1 };
	struct storms *storms = storms_new(lab);

	(void)state;
	lab->settings.services[0].rate_limit = 0;
	lab->settings.services[0].connection_limit = LIMIT;
	lab_apply(lab);
	for (unsigned i = 0; i < storms_count(storms); i++)
		storms_plan(storms, i, &plan, INT32_MAX);
	storms_go(storms);
	for (int i = 0; i < ROUNDS; i++)
		one_round_keeps_to_the_limit();
	storms_cease(storms);
	storms_wait(storms);
	assert_in_range(lab_places(lab, "127.0.0.2", mail), 1, LIMIT);
	storms_free(storms);
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
	programs[1] = program_attach();
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
	assert_int_equal(tables_connections_batch(&lab->tables, &cursor, &key, &entry, 1, &count),
			 1);
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

#define ENTERED 64U
#define KILLS   40U

static void agent_works(const struct sa_connection *connection)
{
	struct sa_connection_key key = { .epoch = lab->settings.epoch };

	for (;;) {
		for (key.cookie = 1; key.cookie <= ENTERED; key.cookie++)
			(void)tables_connection_enter(&lab->tables, &key, connection);
		for (key.cookie = 1; key.cookie <= ENTERED; key.cookie++)
			(void)tables_connection_leave(&lab->tables, &key);
	}
}

/* Wherever it is killed: no connection stays counted that has no entry. */
static void an_agent_that_is_killed_leaves_nothing_counted(void **state)
{
	const struct sa_address address = address_of("127.0.0.9");
	struct sa_connection connection = { .source.service = mail->id,
					    .slot = (uint16_t)mail->slot };
	struct sa_connection_key key = { .epoch = lab->settings.epoch };

	(void)state;
	memcpy(connection.source.address, &address, sizeof(address));
	for (useconds_t i = 0; i < KILLS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			agent_works(&connection);
		(void)usleep(1000 + i * 37);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		tables_live_close(&lab->tables);
		assert_int_equal(tables_live_open(&lab->tables), 0);
		for (key.cookie = 1; key.cookie <= ENTERED; key.cookie++)
			(void)tables_connection_leave(&lab->tables, &key);
		counted("killed", "127.0.0.9", 0, 0);
	}
}

/* By entries that are never done: nobody reads them. */
static void homes_take(bool taken)
{
	for (uint32_t i = 0; i < SA_HOMES; i++)
		lab->tables.home_table[i].word = taken ? sa_home_making(1ULL << 40 | i) : 0;
}

/* All entries but one. */
static void fillers_write(bool there)
{
	const struct sa_connection value = {};
	struct sa_connection_key key = {};
	int map = lab->tables.connections;

	for (uint64_t i = 0; i + 1 < SA_CONNECTIONS_MAX; i++) {
		key.cookie = ~0ULL - i;
		assert_int_equal(there ? bpf_map_update_elem(map, &key, &value, BPF_NOEXIST)
				       : bpf_map_delete_elem(map, &key),
				 0);
	}
}

static void a_full_table_says_so_and_loses_nothing(void **state)
{
	uint64_t uncounted = tables_live_uncounted(&lab->tables);
	struct pair counted_one, other;

	(void)state;
	homes_take(true);
	counted_one = pair_from("127.0.0.2");
	fillers_write(true);
	other = pair_from("127.0.0.2");
	assert_int_equal(tables_live_uncounted(&lab->tables), uncounted + 1);
	counted("full", "127.0.0.2", 1, 1);
	pair_close(other);
	counted("still", "127.0.0.2", 1, 1);
	pair_close(counted_one);
	counted("closed", "127.0.0.2", 0, 0);
	fillers_write(false);
	other = pair_from("127.0.0.2");
	counted("room again", "127.0.0.2", 1, 1);
	pair_close(other);
	homes_take(false);
}

static void a_full_bucket_says_so_and_takes_from_nobody(void **state)
{
	const struct sa_address address = address_of("127.0.0.2");
	struct sa_source_key key = { .service = mail->id };
	uint64_t uncounted = tables_live_uncounted(&lab->tables);
	struct sa_live_bucket full, left, empty = {};
	struct pair pair;
	uint32_t bucket;

	(void)state;
	memcpy(key.address, &address, sizeof(address));
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

int main(void)
{
	struct CMUnitTest tests[] = {
		COUNTING_TEST(opened_and_closed_by_either_end),
		COUNTING_TEST(reset_by_either_end),
		COUNTING_TEST(a_listener_takes_its_backlog_along),
		COUNTING_TEST(both_families_and_ipv4_on_an_ipv6_socket),
		COUNTING_TEST(other_ports_and_the_clients_end_do_not_count),
		COUNTING_TEST(other_namespaces_do_not_count),
		COUNTING_TEST(the_place_is_given_back),
		COUNTING_TEST(a_burst_while_connections_open_keeps_to_the_limit),
		COUNTING_TEST(another_epoch_begins_at_zero_and_the_last_one_ends_well),
		COUNTING_TEST(two_programs_count_once),
		COUNTING_TEST(the_agent_and_the_kernel_count_once),
		COUNTING_TEST(an_agent_that_is_killed_leaves_nothing_counted),
		COUNTING_TEST(a_full_table_says_so_and_loses_nothing),
		COUNTING_TEST(a_full_bucket_says_so_and_takes_from_nobody),
	};

	/* Its own ports and its own loopback; everything else stays as it is. */
	if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
		loopback_up();
	return LAB_RUN("connections", tests);
}
