/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Under the lock only pointers move, and lists are read: no file, no socket.
 */
#include "header_rules.h"

#include <stdlib.h>

struct header_limits header_limits_of(const struct config *config)
{
	return (struct header_limits){
		.field_bytes = config->header_size_limit,
		.field_count = config->header_count_limit,
		.total_bytes = config->header_total_size_limit,
		.reject = config->header_rejects,
		.monitor = !config->enforce,
	};
}

int header_rules_init(struct header_rules *rules, struct config *config, struct wall_ms loaded)
{
	*rules = (struct header_rules){
		.config = config, .loaded = loaded, .limits = header_limits_of(config), .version = 1
	};
	return -pthread_rwlock_init(&rules->lock, NULL);
}

void header_rules_done(struct header_rules *rules)
{
	(void)pthread_rwlock_destroy(&rules->lock);
	free(rules->exceptions);
	config_free(rules->config);
}

void header_rules_configure(struct header_rules *rules, struct config *config,
			    struct wall_ms loaded)
{
	struct config *old;

	(void)pthread_rwlock_wrlock(&rules->lock);
	old = rules->config;
	rules->config = config;
	rules->loaded = loaded;
	rules->limits = header_limits_of(config);
	rules->version++;
	(void)pthread_rwlock_unlock(&rules->lock);
	config_free(old);
}

void header_rules_except(struct header_rules *rules, struct prefix *exceptions, size_t count)
{
	struct prefix *old;

	(void)pthread_rwlock_wrlock(&rules->lock);
	old = rules->exceptions;
	rules->exceptions = exceptions;
	rules->exception_count = count;
	rules->version++;
	(void)pthread_rwlock_unlock(&rules->lock);
	free(old);
}

static bool excepted(const struct header_rules *rules, const struct header_judgement *client)
{
	struct prefix address;

	if (!client->known)
		return false;
	prefix_of(&client->address, 128, &address);
	for (size_t i = 0; i < rules->exception_count; i++) {
		if (prefix_covers(&rules->exceptions[i], &address))
			return true;
	}
	return false;
}

void header_rules_judge(struct header_rules *rules, struct header_judgement *judgement)
{
	(void)pthread_rwlock_rdlock(&rules->lock);
	if (judgement->version != rules->version) {
		judgement->version = rules->version;
		judgement->limits = rules->limits;
		judgement->exempt =
			excepted(rules, judgement) ||
			config_exempts_client(rules->config,
					      judgement->known ? &judgement->address : NULL,
					      judgement->name);
	}
	(void)pthread_rwlock_unlock(&rules->lock);
}
