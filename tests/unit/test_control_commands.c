/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands answer, and what they change.
 */
#include "control_lab.h"

#include "control_commands.h"
#include "settings.h"
#include "show.h"

static void looking_commands_answer(void **state)
{
	static const struct {
		const char *command, *arguments, *answer;
	} rows[] = {
		{ "status", "{}",
		  "\"interfaces\":[{\"name\":\"eth0\",\"mode\":\"native\",\"attached\":true}]" },
		{ "status", "{}",
		  "\"sources\":{\"tracked\":0,\"capacity\":1024,\"age_seconds\":null}" },
		{ "status", "{}", "\"would_drop\":{\"blocked\":0," },
		{ "top", "{}", "{\"age_seconds\":null,\"sources\":[]}" },
		{ "top", "{\"by\":\"connections\"}", "{\"age_seconds\":null,\"sources\":[]}" },
		{ "top", "{\"by\":\"size\"}", "\"ok\":false" },
		{ "top", "{\"count\":0}", "\"error\":\"count: not a number from 1 to 1000\"" },
		{ "top", "{\"count\":\"5\"}", "\"ok\":false" },
		{ "show", "{\"address\":\"[2001:db8::1]\"}", "\"prefix\":\"2001:db8::/84\"" },
		{ "show", "{\"address\":\"10.1.1.1\"}",
		  "\"verdict\":\"pass\",\"reason\":\"exempt\"" },
		{ "show", "{\"address\":\"10.1.1\"}",
		  "\"error\":\"10.1.1: not an IPv4 or IPv6 address\"" },
		{ "show", "{}", "\"ok\":false" },
		{ "exception list", "{}",
		  "{\"prefix\":\"10.0.0.0/8\",\"exempt\":true,\"origin\":\"config\",\"file\":\"/"
		  "etc/x.cf\",\"line\":7}" },
		{ "block list", "{}", "{\"blocks\":[]}" },
		{ "events", "{}", "{\"events\":[]}" },
		{ "events", "{\"since\":-1}", "\"ok\":false" },
		{ "advise", "{}", "\"services\":[]}" },
		{ "no such", "{}", "\"error\":\"no such: unknown command\"" },
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ask(lab, rows[i].command, rows[i].arguments);
		assert_has(lab, rows[i].answer);
	}
}

static void rules_are_added_and_deleted(void **state)
{
	struct lab *lab = *state;

	ask(lab, "exception add", "{\"prefixes\":[\"192.0.2.0/24\",\"2001:db8::/32\"]}");
	assert_has(lab, "\"ok\":true");
	ask(lab, "exception list", "{}");
	assert_has(lab, "{\"exceptions\":[{\"prefix\":\"192.0.2.0/"
			"24\",\"exempt\":true,\"origin\":\"runtime\"}");
	ask(lab, "block add",
	    "{\"prefixes\":[\"192.0.2.1\",\"198.51.100.0/24\",\"10.0.0.9\"],\"seconds\":60}");
	assert_has(lab, "192.0.2.1 is inside an exception added at run time");
	assert_has(lab, "10.0.0.9 is inside a configured exception");
	assert_null(strstr(lab->reply, "198.51.100.0"));
	ask(lab, "block list", "{}");
	assert_has(lab,
		   "{\"prefix\":\"192.0.2.1\",\"origin\":\"runtime\",\"remaining_seconds\":60}");
	ask(lab, "block add", "{\"prefixes\":[\"192.0.2.1\"]}");
	ask(lab, "block list", "{}");
	assert_has(lab,
		   "{\"prefix\":\"192.0.2.1\",\"origin\":\"runtime\",\"remaining_seconds\":null}");
	ask(lab, "show", "{\"address\":\"198.51.100.7\"}");
	assert_has(lab, "\"verdict\":\"drop\",\"reason\":\"blocked\"");
	ask(lab, "exception delete", "{\"prefixes\":[\"10.0.0.0/8\"]}");
	assert_has(lab, "/etc/x.cf:7: 10.0.0.0/8 is in the configuration");
	ask(lab, "block add", "{\"prefixes\":[\"192.0.2.1/24\"]}");
	assert_has(lab, "did you mean 192.0.2.0/24?");
	ask(lab, "block delete", "{\"prefixes\":[]}");
	assert_has(lab, "no prefixes are given");
}

/* A list of blocked networks may well be inside exceptions: nobody reads a warning for each. */
static void many_warnings_are_summed_up(void **state)
{
	struct lab *lab = *state;
	char arguments[1000] = "{\"prefixes\":[\"192.0.2.1\"";
	size_t lines = 0;

	for (unsigned i = 1; i <= 50; i++)
		(void)snprintf(arguments + strlen(arguments), sizeof(arguments) - strlen(arguments),
			       ",\"10.0.0.%u\"", i);
	(void)strcat(arguments, "]}");
	ask(lab, "block add", arguments);
	for (const char *p = lab->reply; (p = strstr(p, "is inside a configured")) != NULL; p++)
		lines++;
	assert_int_equal(lines, 20);
	assert_has(lab, "30 more are inside exceptions: their blocks have no effect");
	ask(lab, "block list", "{}");
	assert_has(lab, "10.0.0.50");
}

static void reload_reports_what_it_found(void **state)
{
	struct lab *lab = *state;

	agent_double.reload_finding = "unknown parameter";
	ask(lab, "reload", "{}");
	assert_has(lab, "\"warnings\":[\"/etc/x.cf:3: warning: foo: unknown parameter\"]");
	agent_double.reload_result = -EINVAL;
	ask(lab, "reload", "{}");
	assert_has(lab, "\"error\":\"/etc/x.cf:3: error: foo: unknown parameter\"");
}

static void leaving_replies_first(void **state)
{
	struct lab *lab = *state;

	ask(lab, "restart", "{}");
	assert_has(lab, "\"ok\":true");
	assert_int_equal(agent_double.leave, DAEMON_AGAIN);
	ask(lab, "detach", "{}");
	assert_has(lab, "\"ok\":true");
	assert_int_equal(agent_double.leave, DAEMON_DETACH);
	assert_int_equal(agent_double.stops, 2);
}

static void those_who_may_look_change_nothing(void **state)
{
	static const char *const looking[] = { "status",     "top",    "exception list",
					       "block list", "events", "advise" };
	static const char *const changing[] = { "exception add", "exception delete", "block add",
						"block delete",  "reload",           "restart",
						"detach" };
	const struct control_peer peer = { .may_change = false };
	struct lab *lab = *state;
	json_t *arguments = json_pack("{s:[s]}", "prefixes", "192.0.2.1");
	struct control_reply reply;

	for (size_t i = 0; i < sizeof(looking) / sizeof(*looking); i++) {
		control_command_run(&lab->daemon, &peer, looking[i], arguments, &reply);
		assert_null(reply.error);
		control_reply_done(&reply);
	}
	for (size_t i = 0; i < sizeof(changing) / sizeof(*changing); i++) {
		control_command_run(&lab->daemon, &peer, changing[i], arguments, &reply);
		assert_non_null(
			strstr(reply.error, "only root and the agent's own user may do that"));
		control_reply_done(&reply);
	}
	assert_int_equal(state_exceptions(lab->daemon.state)->count, 0);
	assert_int_equal(state_blocks(lab->daemon.state)->count, 0);
	assert_int_equal(agent_double.stops, 0);
	json_decref(arguments);
}

static void show_reads_the_source(void **state)
{
	struct lab *lab = *state;
	struct sa_source source = { .dropped = 9,
				    .last_dropped_s = (uint32_t)(mono_now().ms / 1000) };
	const struct sa_address client = address("2001:db8::1:2");
	struct sa_source_key key;

	settings_source_key(&lab->daemon.settings, &client, 7, &key);
	source.window = mono_now().ms << SA_COUNT_BITS | 4;
	tables_double.source_keys = &key;
	tables_double.sources = &source;
	tables_double.source_count = 1;
	tables_double.blocked_key = &key;
	tables_double.blocked.dropped = 5;
	/* Another address of the same /84. */
	ask(lab, "show", "{\"address\":\"2001:db8::7\"}");
	assert_has(lab, "\"attempts\":4,\"limit\":3,\"window_remaining_seconds\":60,\"dropped\":14,"
			"\"last_dropped\":\"20");
	assert_has(lab, "\"verdict\":\"drop\",\"reason\":\"rate\"");
	lab->config.enforce = false;
	ask(lab, "show", "{\"address\":\"2001:db8::7\"}");
	assert_has(lab, "\"verdict\":\"would_drop\",\"reason\":\"rate\"");
	ask(lab, "show", "{\"address\":\"2001:db9::7\"}");
	assert_has(lab, "\"attempts\":0,\"limit\":3,\"window_remaining_seconds\":0,\"dropped\":0,"
			"\"last_dropped\":null");
}

static void connect_from(uint64_t cookie, const struct sa_source_key *source)
{
	const struct sa_connection_key key = { .cookie = cookie, .epoch = 9 };
	const struct sa_connection connection = { .source = *source, .slot = 1 };

	assert_int_equal(tables_connection_enter(NULL, &key, &connection), 0);
}

/* Live connections, and what they mean for the next SYN. */
static void connections_are_shown(void **state)
{
	struct lab *lab = *state;
	const struct sa_address client = address("192.0.2.1"), other = address("192.0.2.2");
	struct sa_source source = { 0 };
	struct sa_source_key key;

	tables_live_hold(NULL, SA_LIVE_ALWAYS);
	lab->daemon.settings.epoch = 9;
	lab->daemon.settings.services[0].connection_limit = 3;
	lab->daemon.settings.services[0].process_limit = 100;
	lab->config.services[0].connection_count_limit = 3;
	lab->config.services[0].process_limit = 100;
	settings_source_key(&lab->daemon.settings, &other, 7, &key);
	connect_from(1, &key);
	settings_source_key(&lab->daemon.settings, &client, 7, &key);
	connect_from(2, &key);
	connect_from(3, &key);
	ask(lab, "status", "{}");
	assert_has(lab, "\"connections\":3,\"process_limit\":100,\"connection_count_limit\":3");
	ask(lab, "show", "{\"address\":\"192.0.2.1\"}");
	assert_has(lab, "\"connections\":2,\"connection_limit\":3");
	assert_has(lab, "\"verdict\":\"pass\",\"reason\":\"within_limit\"");
	source.pending = (uint64_t)SA_PENDING_SLOT(mono_now().ms) << SA_PENDING_SLOT_SHIFT | 1;
	tables_double.source_keys = &key;
	tables_double.sources = &source;
	tables_double.source_count = 1;
	ask(lab, "show", "{\"address\":\"192.0.2.1\"}");
	assert_has(lab, "\"verdict\":\"drop\",\"reason\":\"concurrency\"");
	ask(lab, "show", "{\"address\":\"192.0.2.2\"}");
	assert_has(lab, "\"connections\":1,\"connection_limit\":3");
	/* Counts that lag know no places; old ones limit nothing. */
	tables_live_hold(NULL, mono_now().ms + 5000);
	ask(lab, "show", "{\"address\":\"192.0.2.1\"}");
	assert_has(lab, "\"verdict\":\"pass\",\"reason\":\"within_limit\"");
	lab->daemon.settings.services[0].connection_limit = 2;
	ask(lab, "show", "{\"address\":\"192.0.2.1\"}");
	assert_has(lab, "\"verdict\":\"drop\",\"reason\":\"concurrency\"");
	tables_live_hold(NULL, mono_now().ms);
	ask(lab, "show", "{\"address\":\"192.0.2.1\"}");
	assert_has(lab, "\"connections\":2,\"connection_limit\":0");
	assert_has(lab, "\"verdict\":\"pass\"");
	tables_live_hold(NULL, SA_LIVE_ALWAYS);
	lab->daemon.settings.services[0].process_limit = 3;
	ask(lab, "show", "{\"address\":\"192.0.2.3\"}");
	assert_has(lab, "\"connections\":0,\"connection_limit\":1");
	assert_has(lab, "\"verdict\":\"drop\",\"reason\":\"process_limit\"");
	ask(lab, "show", "{\"address\":\"10.0.0.1\"}");
	assert_has(lab, "\"connection_limit\":0");
}

/* Its first millisecond. */
static uint64_t slot_begin(uint32_t slot)
{
	uint64_t ms = slot * (uint64_t)SA_PENDING_SLOT_MS;

	while (SA_PENDING_SLOT(ms) < slot)
		ms++;
	return ms;
}

static void places_lapse(void **state)
{
	const uint64_t pending =
		1000ULL << SA_PENDING_SLOT_SHIFT | 7ULL << SA_PENDING_NOTE_SHIFT | 2 << 16 | 5;

	(void)state;
	assert_in_range(slot_begin(1001) - slot_begin(1000), SA_PENDING_SLOT_MS,
			SA_PENDING_SLOT_MS + 1);
	assert_int_equal(show_places(0, slot_begin(1000)), 0);
	assert_int_equal(show_places(pending, slot_begin(1000)), 7);
	assert_int_equal(show_places(pending, slot_begin(1001) - 1), 7);
	assert_int_equal(show_places(pending, slot_begin(1001)), 5);
	assert_int_equal(show_places(pending, slot_begin(1002)), 0);
	assert_int_equal(show_places(pending, slot_begin(1000 + 1000)), 0);
	/* Another CPU's clock was ahead. */
	assert_int_equal(show_places(pending, slot_begin(1000) - 1), 7);
}

static void predictions_share_a_full_service(void **state)
{
	struct show_facts facts = { .process_limit = 20, .service_connections = 10 };

	(void)state;
	facts.connections = 9;
	assert_int_equal(show_predict(&facts), SA_REASON_UNLIMITED);
	facts.connections = 10;
	assert_int_equal(show_predict(&facts), SA_REASON_CONCURRENCY);
	facts.connections = 9;
	facts.places = 1;
	assert_int_equal(show_predict(&facts), SA_REASON_CONCURRENCY);
	facts = (struct show_facts){ .process_limit = 20, .service_connections = 20 };
	assert_int_equal(show_predict(&facts), SA_REASON_PROCESS_LIMIT);
	facts.connections = 1;
	assert_int_equal(show_predict(&facts), SA_REASON_CONCURRENCY);
	facts.behind_proxy = true;
	assert_int_equal(show_predict(&facts), SA_REASON_PROCESS_LIMIT);
	facts.service_connections = 19;
	facts.connections = 19;
	assert_int_equal(show_predict(&facts), SA_REASON_UNLIMITED);
}

static void predictions_follow_the_order_of_reasons(void **state)
{
	struct show_facts facts = { .rate_limit = 3, .attempts = 2 };

	(void)state;
	assert_int_equal(show_predict(&facts), SA_REASON_WITHIN_LIMIT);
	facts.process_limit = 100;
	facts.service_connections = 100;
	assert_int_equal(show_predict(&facts), SA_REASON_PROCESS_LIMIT);
	facts.attempts = 3;
	assert_int_equal(show_predict(&facts), SA_REASON_RATE);
	facts.connection_limit = facts.connections = 5;
	assert_int_equal(show_predict(&facts), SA_REASON_CONCURRENCY);
	facts.blocked = true;
	assert_int_equal(show_predict(&facts), SA_REASON_BLOCKED);
	facts.exempt = true;
	assert_int_equal(show_predict(&facts), SA_REASON_EXEMPT);
	facts = (struct show_facts){ .attempts = 1000 };
	assert_int_equal(show_predict(&facts), SA_REASON_UNLIMITED);
	assert_int_equal(show_action(SA_REASON_EXEMPT, true), OUTCOME_PASS);
	assert_int_equal(show_action(SA_REASON_RATE, true), OUTCOME_DROP);
	assert_int_equal(show_action(SA_REASON_RATE, false), OUTCOME_WOULD_DROP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(looking_commands_answer),
		TEST(rules_are_added_and_deleted),
		TEST(many_warnings_are_summed_up),
		TEST(reload_reports_what_it_found),
		TEST(leaving_replies_first),
		TEST(those_who_may_look_change_nothing),
		TEST(show_reads_the_source),
		TEST(connections_are_shown),
		cmocka_unit_test(places_lapse),
		cmocka_unit_test(predictions_share_a_full_service),
		cmocka_unit_test(predictions_follow_the_order_of_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
