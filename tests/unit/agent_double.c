/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for events.c, sweep.c, connections_sync.c, interfaces.c, policy.c, policy_server.c and
 * reload.c.
 */
#include "agent_double.h"

#include <assert.h>

struct agent_double agent_double;

const struct history *events_history(const struct events *events)
{
	(void)events;
	return &agent_double.history;
}

void events_follow(struct events *events, struct events_follower *follower)
{
	(void)events;
	follower->next = agent_double.followers;
	agent_double.followers = follower;
}

void events_unfollow(struct events *events, struct events_follower *follower)
{
	struct events_follower **link = &agent_double.followers;

	(void)events;
	while (*link != follower)
		link = &(*link)->next;
	*link = follower->next;
}

void agent_double_event(const struct history_record *record)
{
	struct events_follower *follower = agent_double.followers, *next;

	(void)history_add(&agent_double.history, record);
	for (; follower; follower = next) {
		next = follower->next;
		follower->notify(record, follower->context);
	}
}

const struct sweep_result *sweep_last(const struct sweep *sweep)
{
	(void)sweep;
	return agent_double.swept;
}

const char *interface_mode_name(enum interface_mode mode)
{
	static const char *const names[] = { NULL, "native", "generic" };

	return names[mode];
}

int daemon_reload(struct daemon *daemon, struct report *report)
{
	const bool failed = agent_double.reload_result != 0;

	if (agent_double.reload_finding)
		report_add(report, failed ? REPORT_ERROR : REPORT_WARNING, "/etc/x.cf", 3, "foo",
			   "%s", agent_double.reload_finding);
	if (agent_double.reload_hook)
		agent_double.reload_hook(daemon);
	return agent_double.reload_result;
}

void policy_look(struct policy *policy, const struct sa_address *client,
		 const struct config_service *service, struct mono_ms now,
		 struct policy_view *ret_view)
{
	(void)policy, (void)client, (void)service, (void)now;
	*ret_view = agent_double.messages;
}

void policy_stats_read(struct policy *policy, struct mono_ms now, struct policy_stats *ret_stats)
{
	(void)policy, (void)now;
	*ret_stats = agent_double.policy;
}

const struct policy_server_stats *policy_server_stats(const struct policy_server *server)
{
	(void)server;
	return &agent_double.requests;
}

void daemon_stop(struct daemon *daemon, enum daemon_leave leave)
{
	(void)daemon;
	agent_double.stops++;
	agent_double.leave = leave;
}

enum connections_source connections_sync_source(const struct connections_sync *sync)
{
	(void)sync;
	return agent_double.connections_source;
}

uint64_t connections_sync_drift(const struct connections_sync *sync)
{
	(void)sync;
	return agent_double.connections_drift;
}
