/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of connections at the moment when connections open, or are entered: no attempt may pass
 * because it saw one neither on its way nor open.
 */
#include "lab_live.h"

#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connections.skel.h"
#include "lab_sockets.h"
#include "storms.h"

static struct connections_bpf *program;
static struct lab *lab;
static const struct sa_service *mail; /* port 25 at any address */
static int listener = -1;

static int setup(void **state)
{
	const int result = lab_live_setup(state);

	lab = *state;
	mail = &lab->settings.services[0];
	if (!lab->tables.live_head)
		assert_int_equal(tables_live_open(&lab->tables), 0);
	tables_live_epoch_kept(&lab->tables, lab->settings.epoch);
	if (!program)
		program = counting_attach(lab, LOOKS_TRACED_TWICE);
	if (listener < 0)
		listener = listen_at(AF_INET, "0.0.0.0", 25);
	return result;
}

#define LIMIT   200U
#define OPENED  100
#define ROUNDS  200

#define WAITS   5000
#define WAIT_US 1000

static void one_round_keeps_to_the_limit(void)
{
	struct pair pairs[OPENED];

	for (int i = 0; i < OPENED; i++) {
		uint32_t places, live;

		pairs[i] = pair_at(listener, "127.0.0.2");
		places = lab_places(lab, "127.0.0.2", mail);
		live = lab_live(lab, "127.0.0.2", mail);
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
	unsigned places = 0;

	(void)state;
	lab->settings.services[0].rate_limit = 0;
	lab->settings.services[0].connection_limit = LIMIT;
	lab_apply(lab);
	for (unsigned i = 0; i < storms_count(storms); i++)
		storms_plan(storms, i, &plan, INT32_MAX);
	storms_go(storms);
	for (int i = 0; i < ROUNDS; i++)
		one_round_keeps_to_the_limit();
	/* While attempts come: what lapses just now is taken again. */
	for (int i = 0; i < WAITS && !places; i++) {
		places = lab_places(lab, "127.0.0.2", mail);
		(void)usleep(WAIT_US);
	}
	assert_in_range(places, 1, LIMIT);
	storms_cease(storms);
	storms_wait(storms);
	storms_free(storms);
}

/* A source that is noted to have none is looked up as soon as the agent has entered one. */
static void what_the_agent_enters_holds_at_once(void **state)
{
	const struct sa_connection mine = { .source = lab_key(lab, "127.0.0.2", mail),
					    .slot = (uint16_t)mail->slot };
	const struct sa_connection_key key = { .cookie = 1ULL << 40, .epoch = lab->settings.epoch };

	(void)state;
	lab->settings.services[0].rate_limit = 0;
	lab->settings.services[0].connection_limit = 1;
	lab_apply(lab);
	for (unsigned i = 0; i < 2 * SA_PENDING_NOTE_MASK; i++) {
		assert_int_equal(lab_attempts(lab, "127.0.0.2", 25, 3), 1);
		lab_age_places(lab, "127.0.0.2", mail, 2);
		tables_live_look_always(&lab->tables);
		tables_live_look_always(&lab->tables);
		assert_int_equal(tables_connection_enter(&lab->tables, &key, &mine), 0);
		assert_int_equal(lab_attempts(lab, "127.0.0.2", 25, 3), 0);
		tables_live_look_anew(&lab->tables);
		assert_int_equal(lab_attempts(lab, "127.0.0.2", 25, 3), 0);
		assert_int_equal(tables_connection_leave(&lab->tables, &key), 0);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_burst_while_connections_open_keeps_to_the_limit, setup),
		cmocka_unit_test_setup(what_the_agent_enters_holds_at_once, setup),
	};

	/* Its own ports and its own loopback; everything else stays as it is. */
	if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
		loopback_up();
	return LAB_RUN("openings", tests);
}
