/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The message path on its own: an agent as far as it is looked at, and what the rest of the agent
 * and the kernel would say. To be included by one test program.
 */
#ifndef TESTS_POLICY_LAB_H
#define TESTS_POLICY_LAB_H

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "log.h"
#include "policy.h"
#include "policy_support.h"
#include "socket_owner.h"
#include "state.h"

#define RECORDS_MAX 64

struct policy_lab {
	struct daemon daemon;
	struct config config;
	struct config_pattern patterns[4];
	char directory[64];
	struct mono_ms now;
	/* What happened. */
	struct history_record records[RECORDS_MAX];
	char names[RECORDS_MAX][64];
	size_t record_count;
	struct block_rule blocks[RECORDS_MAX];
	size_t block_count;
	unsigned changes; /* of the blocks */
	/* What is so. */
	const char *exempt;       /* at run time */
	const char *blocked;      /* at run time */
	int owner_error;          /* of the client's connection */
	uint32_t owner, asker;    /* users */
	struct socket_end client; /* that was asked for last */
	unsigned questions;
};

static struct policy_lab *lab_now;

bool state_exempts(const struct state *state, const struct prefix *prefix)
{
	struct sa_address address;
	struct prefix exempt;

	(void)state;
	if (!lab_now->exempt)
		return false;
	address = address_of(lab_now->exempt);
	prefix_of(&address, 128, &exempt);
	return prefix_equal(prefix, &exempt);
}

bool state_blocks_cover(const struct state *state, const struct prefix *prefix, int64_t wall_ms)
{
	struct sa_address address;
	struct prefix blocked;

	(void)state, (void)wall_ms;
	if (!lab_now->blocked)
		return false;
	address = address_of(lab_now->blocked);
	prefix_of(&address, 128, &blocked);
	return prefix_equal(prefix, &blocked);
}

int state_blocks_add(struct state *state, const struct block_rule *rules, size_t count,
		     char **reterr_message)
{
	(void)state;
	*reterr_message = NULL;
	lab_now->changes++;
	for (size_t i = 0; i < count && lab_now->block_count < RECORDS_MAX; i++)
		lab_now->blocks[lab_now->block_count++] = rules[i];
	return 0;
}

void events_refused(struct events *events, const struct history_record *record, const char *name)
{
	(void)events;
	if (lab_now->record_count == RECORDS_MAX)
		return;
	(void)snprintf(lab_now->names[lab_now->record_count], sizeof(lab_now->names[0]), "%s",
		       name);
	lab_now->records[lab_now->record_count++] = *record;
}

int socket_owner(const struct socket_end *local, const struct socket_end *remote,
		 uint32_t *ret_user)
{
	assert_int_equal(local->port, 25);
	lab_now->client = *remote;
	lab_now->questions++;
	*ret_user = lab_now->owner;
	return lab_now->owner_error;
}

int socket_peer_user(int fd, uint32_t *ret_user)
{
	assert_int_equal(fd, 7);
	*ret_user = lab_now->asker;
	return 0;
}

static void service_set(struct config_service *service, uint16_t port, const char *address)
{
	service->port = port;
	service->any_address = !address;
	if (address)
		service->address = address_of(address);
	(void)snprintf(service->label, sizeof(service->label), "%s%s%u", address ? address : "",
		       address ? ":" : "", port);
	(void)snprintf(service->name, sizeof(service->name), "smtp");
}

static void lab_start(struct policy_lab *lab)
{
	assert_int_equal(policy_new(&lab->daemon, &lab->daemon.policy), 0);
}

static void lab_stop(struct policy_lab *lab, enum daemon_leave leave)
{
	lab->daemon.leave = leave;
	lab->daemon.policy = policy_free(lab->daemon.policy);
}

static int lab_setup(void **state)
{
	struct policy_lab *lab = calloc(1, sizeof(*lab));

	lab_now = lab;
	strcpy(lab->directory, "/tmp/synanvil-policy-XXXXXX");
	assert_non_null(mkdtemp(lab->directory));
	log_set_level(LOG_LEVEL_ERROR);
	lab->now.ms = 1000000;
	lab->daemon.config = &lab->config;
	lab->daemon.loop = event_base_new();
	lab->config.enforce = true;
	lab->config.rate_time_unit_s = 60;
	lab->config.ipv4_prefix_length = 32;
	lab->config.ipv6_prefix_length = 84;
	lab->config.client_block_time_s = 600;
	lab->config.queue_directory = (char *)"/";
	lab->config.state_directory = lab->directory;
	lab->config.exceptions = (struct config_patterns){ lab->patterns, 0 };
	service_set(&lab->config.services[0], 25, NULL);
	lab->config.service_count = 1;
	lab_start(lab);
	*state = lab;
	return 0;
}

static int lab_teardown(void **state)
{
	struct policy_lab *lab = *state;
	char path[96];

	lab_stop(lab, DAEMON_DETACH);
	event_base_free(lab->daemon.loop);
	(void)snprintf(path, sizeof(path), "%s/counters", lab->directory);
	(void)unlink(path);
	assert_int_equal(rmdir(lab->directory), 0);
	free(lab);
	lab_now = NULL;
	return 0;
}

/* The same limits everywhere. */
static void limit(struct policy_lab *lab, uint32_t messages, uint32_t recipients)
{
	for (size_t i = 0; i < lab->config.service_count; i++) {
		lab->config.services[i].message_rate_limit = messages;
		lab->config.services[i].recipient_rate_limit = recipients;
	}
	lab->config.unlisted.message_rate_limit = messages;
	lab->config.unlisted.recipient_rate_limit = recipients;
}

/* The answer to a request on a connection, as its first three bytes: 450, 452, 552, DUN. */
static const char *answer_on(struct policy_lab *lab, uint64_t connection,
			     const struct policy_request *request)
{
	static char text[POLICY_ANSWER_SIZE];
	const struct policy_asker asker = { .connection = connection, .fd = 7 };

	policy_answer(lab->daemon.policy, request, &asker, lab->now, text);
	text[3] = '\0';
	return text;
}

static const char *answer(struct policy_lab *lab, const struct policy_request *request)
{
	return answer_on(lab, 1, request);
}

/* One request of a message. */
static const char *ask(struct policy_lab *lab, enum policy_state state, const char *client,
		       const char *instance)
{
	const struct policy_request request = asks(state, client, instance);

	return answer(lab, &request);
}

static inline uint64_t decisions(struct policy_lab *lab, enum policy_action action,
				 enum policy_reason reason)
{
	struct policy_stats stats;

	policy_stats_read(lab->daemon.policy, lab->now, &stats);
	return stats.decisions[action][reason];
}

#endif
