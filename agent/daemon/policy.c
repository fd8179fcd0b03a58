/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The message path's owner.
 */
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cleanup.h"
#include "client_match.h"
#include "log.h"
#include "policy_handover.h"
#include "policy_internal.h"

void policy_answer(struct policy *policy, const struct policy_request *request,
		   const struct policy_asker *asker, struct mono_ms now,
		   char text[static POLICY_ANSWER_SIZE])
{
	struct enquiry one = { .request = request, .asker = asker, .now = now };
	struct policy_decision decision;

	policy_gather(policy, &one);
	decision = decide(request, &one.facts);
	policy_conclude(policy, &one, &decision);
	policy_answer_text(&decision, request, text);
}

void policy_connection_closed(struct policy *policy, uint64_t connection)
{
	policy_counters_connection_closed(&policy->counters, connection);
}

/* --- what others want to know --- */

void policy_look(struct policy *policy, const struct sa_address *client,
		 const struct config_service *service, struct mono_ms now,
		 struct policy_view *ret_view)
{
	const struct policy_request next = { .state = POLICY_RCPT };
	const struct config *config = policy->daemon->config;
	static const struct policy_text nameless;
	const struct policy_source *source;
	struct policy_limits limits;
	struct policy_place place;
	struct policy_view view = { 0 };

	policy_limits_of(config, service, &limits);
	policy_place_of(config, service, client, service->port, &place);
	source = policy_source_peek(&policy->counters, &place);
	if (source) {
		view.messages = policy_window_value(&source->messages, now.ms, limits.unit_ms);
		view.recipients = policy_window_value(&source->recipients, now.ms, limits.unit_ms);
	}
	view.message_limit = limits.messages;
	view.recipient_limit = limits.recipients;
	view.next = decide(&next, &(struct policy_facts){
					  .enforce = config->enforce,
					  .exempt = policy_exempts(policy, client, &nameless),
					  .queue_full = policy_queue_lacks(policy, now),
					  .messages = view.messages + 1,
					  .message_limit = limits.messages,
					  .recipients = view.recipients + 1,
					  .recipient_limit = limits.recipients,
					  .size_limit = config->message_size_limit,
				  });
	*ret_view = view;
}

void policy_stats_read(struct policy *policy, struct mono_ms now, struct policy_stats *ret_stats)
{
	const struct queue_demand demand = policy_demand(policy->daemon->config);
	const struct queue_room *room = &policy->queue.room;

	*ret_stats = (struct policy_stats){ 0 };
	memcpy(ret_stats->decisions, policy->decisions, sizeof(policy->decisions));
	policy_queue_refresh(policy, now);
	ret_stats->queue_unreadable = !policy->queue.readable;
	if (!policy->queue.readable)
		return;
	ret_stats->queue_free_bytes = room->free_blocks * room->block_size;
	ret_stats->queue_required_bytes = queue_room_required(room, &demand);
}

/* --- life --- */

struct client_match *policy_switch(struct policy *policy, struct client_match *match)
{
	struct client_match *old = policy->match;

	policy->match = match;
	/* The queue may be another one now. */
	policy->queue = (struct queue_space){ 0 };
	return old;
}

static int counters_new(struct policy_counters *counters)
{
	struct digest_secret secret;

	/* Short of the kernel's generator the time of the start has to do. */
	if (getrandom(&secret, sizeof(secret), GRND_NONBLOCK) != sizeof(secret))
		secret = (struct digest_secret){ { mono_now().ms, (uint64_t)wall_now().ms } };
	return policy_counters_init(counters, &secret);
}

static int counters_take(const char *directory, struct policy_counters *counters)
{
	const int error = policy_handover_load(directory, counters);

	if (!error || error == -ENOMEM)
		return error;
	if (error == -EINVAL)
		log_warning("%s/" POLICY_HANDOVER_NAME
			    ": damaged: messages and recipients are counted from 0",
			    directory);
	else if (error != -ENOENT && error != -ESTALE)
		log_warning("%s/" POLICY_HANDOVER_NAME
			    ": %s: messages and recipients are counted from 0",
			    directory, strerror(-error));
	return counters_new(counters);
}

static void policy_cleanup(struct policy **policy)
{
	if (!*policy)
		return;
	policy_counters_done(&(*policy)->counters);
	(void)client_match_free((*policy)->match);
	(void)policy_block_free((*policy)->block);
	free(*policy);
}

int policy_new(struct daemon *daemon, struct policy **ret_policy)
{
	_cleanup_(policy_cleanup) struct policy *policy = calloc(1, sizeof(*policy));
	int error;

	if (!policy)
		return -ENOMEM;
	policy->daemon = daemon;
	error = client_match_new(&daemon->config->exceptions, &policy->match);
	if (!error)
		error = policy_block_new(daemon, &policy->block);
	if (!error)
		error = counters_take(daemon->config->state_directory, &policy->counters);
	if (!error)
		*ret_policy = TAKE_PTR(policy);
	return error;
}

/* Also where the start fails: what was read for it is for the next one. */
static void counters_leave(const struct policy *policy)
{
	const struct config *config = policy->daemon->config;
	int error;

	if (policy->daemon->leave == DAEMON_DETACH || !policy->counters.sources.count)
		return;
	error = policy_handover_store(config->state_directory, &policy->counters,
				      config->rate_time_unit_s * 1000, mono_now().ms);
	if (error)
		log_warning("%s/" POLICY_HANDOVER_NAME
			    ": %s: the next start counts messages and recipients from 0",
			    config->state_directory, strerror(-error));
}

struct policy *policy_free(struct policy *policy)
{
	if (!policy)
		return NULL;
	counters_leave(policy);
	policy_cleanup(&policy);
	return NULL;
}
