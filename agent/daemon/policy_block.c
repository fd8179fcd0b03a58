/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients that are to be blocked, until they are.
 */
#include "policy_block.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "socket_owner.h"
#include "state.h"

/* Changes of the blocks, each of which is written to disk, come no faster. */
#define FLUSH_INTERVAL_MS 1000

/* Clients that wait for one change; further ones are blocked when they are refused again. */
#define WAITING_MAX 4096

struct policy_block {
	struct daemon *daemon;
	struct event *flush;
	struct block_rule *waiting;
	size_t count;
	struct mono_ms flushed;
	bool flushed_once;
	int reported; /* the error that was last complained about */
};

static void give_up(struct policy_block *block, int error, const char *message)
{
	if (error != block->reported)
		log_warning("policy: clients cannot be blocked: %s",
			    message ? message : strerror(-error));
	block->reported = error;
}

/* What somebody blocked meanwhile stays as it is: it may be meant to last longer. */
static void leave_blocked(struct policy_block *block)
{
	const int64_t wall_ms = wall_now().ms;
	size_t used = 0;

	for (size_t i = 0; i < block->count; i++)
		if (!state_blocks_cover(block->daemon->state, &block->waiting[i].prefix, wall_ms))
			block->waiting[used++] = block->waiting[i];
	block->count = used;
}

static void flush(struct policy_block *block)
{
	_cleanup_free_ char *message = NULL;
	int error;

	leave_blocked(block);
	if (!block->count)
		return;
	error = state_blocks_add(block->daemon->state, block->waiting, block->count, &message);
	if (error)
		give_up(block, error, message);
	else
		block->reported = 0;
	block->count = 0;
	block->flushed = mono_now();
	block->flushed_once = true;
}

static void flush_due(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	flush(context);
}

static void policy_block_cleanup(struct policy_block **block)
{
	(void)policy_block_free(*block);
}

int policy_block_new(struct daemon *daemon, struct policy_block **ret_block)
{
	_cleanup_(policy_block_cleanup) struct policy_block *block = calloc(1, sizeof(*block));

	if (!block)
		return -ENOMEM;
	block->daemon = daemon;
	block->waiting = calloc(WAITING_MAX, sizeof(*block->waiting));
	block->flush = evtimer_new(daemon->loop, flush_due, block);
	if (!block->waiting || !block->flush)
		return -ENOMEM;
	*ret_block = TAKE_PTR(block);
	return 0;
}

struct policy_block *policy_block_free(struct policy_block *block)
{
	if (!block)
		return NULL;
	if (block->flush) {
		flush(block);
		event_free(block->flush);
	}
	free(block->waiting);
	free(block);
	return NULL;
}

static bool known(const struct policy_block *block, const struct prefix *client, int64_t wall_ms)
{
	for (size_t i = 0; i < block->count; i++)
		if (prefix_equal(&block->waiting[i].prefix, client))
			return true;
	return state_blocks_cover(block->daemon->state, client, wall_ms);
}

bool policy_block_witness(struct policy_block *block, const struct policy_asker *asker,
			  uint32_t *ret_user)
{
	struct policy_peer once = { 0 };
	struct policy_peer *peer = asker->peer ? asker->peer : &once;

	if (!peer->looked) {
		const int error = socket_peer_user(asker->fd, &peer->user);

		peer->looked = true;
		peer->known = !error;
		/* It may be on another host, or gone. */
		if (error && error != -ENOENT && error != -ENOTCONN)
			give_up(block, error, NULL);
	}
	*ret_user = peer->user;
	return peer->known;
}

static int confirm(struct policy_block *block, const struct policy_request *request,
		   const struct policy_asker *asker)
{
	const struct socket_end client = { request->client, request->client_port };
	const struct socket_end server = { request->server, request->server_port };
	uint32_t server_user, asking_user;
	int error = socket_owner(&server, &client, &server_user);

	if (error)
		return error;
	if (!policy_block_witness(block, asker, &asking_user))
		return -EPERM;
	return server_user == asking_user ? 0 : -EPERM;
}

bool policy_block_confirms(struct policy_block *block, const struct policy_request *request,
			   const struct policy_asker *asker, const struct config_service *service)
{
	return service && !service->behind_proxy && request->client_port && request->server_known &&
	       confirm(block, request, asker) == 0;
}

static void say(const struct policy_block *block, const struct policy_offence *offence)
{
	const struct config *config = block->daemon->config;
	const struct policy_request *request = offence->request;
	char client[PREFIX_TEXT_SIZE];

	address_format(&request->client, client);
	log_info("%sblocked client %.*s[%s] for %us: %u messages refused by rate within %us, "
		 "service %s",
		 config->enforce ? "" : "would have ",
		 request->client_name.size ? (int)request->client_name.size : 7,
		 request->client_name.size ? request->client_name.data : "unknown", client,
		 config->client_block_time_s, offence->refused, config->rate_time_unit_s,
		 offence->service->name);
}

static void wait_for_flush(struct policy_block *block, struct mono_ms now)
{
	const uint64_t since = now.ms - block->flushed.ms;
	struct timeval delay = { 0 };

	if (block->flushed_once && since < FLUSH_INTERVAL_MS)
		delay.tv_usec = (suseconds_t)(FLUSH_INTERVAL_MS - since) * 1000;
	if (delay.tv_usec >= 1000000)
		delay = (struct timeval){ .tv_sec = 1 };
	if (!evtimer_pending(block->flush, NULL))
		(void)evtimer_add(block->flush, &delay);
}

static enum policy_verdict unconfirmed(struct policy_block *block,
				       const struct policy_offence *offence, int error)
{
	char client[PREFIX_TEXT_SIZE];

	address_format(&offence->request->client, client);
	if (error == -EPERM)
		log_debug("not blocked: %s: asked for by another user than the server's", client);
	else if (error == -ENOENT)
		log_debug("not blocked: %s: not connected from port %u", client,
			  offence->request->client_port);
	else
		give_up(block, error, NULL);
	return POLICY_BLOCK_UNCONFIRMED;
}

enum policy_verdict policy_block_consider(struct policy_block *block,
					  const struct policy_offence *offence, struct mono_ms now)
{
	const struct policy_request *request = offence->request;
	const struct config *config = block->daemon->config;
	struct block_rule rule = { .by_policy = true };
	const int64_t wall_ms = wall_now().ms;
	int error;

	if (!config->client_block_threshold)
		return POLICY_BLOCK_OFF;
	if (!offence->service || offence->service->behind_proxy)
		return POLICY_BLOCK_NO_SERVICE;
	prefix_of(&request->client, 128, &rule.prefix);
	if (known(block, &rule.prefix, wall_ms))
		return POLICY_BLOCK_KNOWN;
	if (offence->refused < config->client_block_threshold || block->count == WAITING_MAX)
		return POLICY_BLOCK_OFF;
	if (!request->client_port || !request->server_known)
		return POLICY_BLOCK_UNCONFIRMED;
	error = confirm(block, request, offence->asker);
	if (error)
		return unconfirmed(block, offence, error);
	say(block, offence);
	if (!config->enforce)
		return POLICY_BLOCKED;
	rule.ends_ms = wall_ms + (int64_t)config->client_block_time_s * 1000;
	block->waiting[block->count++] = rule;
	wait_for_flush(block, now);
	return POLICY_BLOCKED;
}
