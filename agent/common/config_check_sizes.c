/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message_size_limit, queue_minfree, and what is free in the queue now: smtpd(8) refuses mail where
 * these do not fit together.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "config_audit.h"

static long half_more(long size)
{
	return size > LONG_MAX / 2 ? LONG_MAX : size + size / 2 + size % 2;
}

/* Postfix takes both numbers as unsigned, so a negative one is more than any disk has. */
static bool check_signs(const struct audit *audit)
{
	static const char *const names[] = { "message_size_limit", "queue_minfree" };
	bool negative = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (audit_number(audit, names[i]) >= 0)
			continue;
		negative = true;
		warn(audit, names[i],
		     "%ld: Postfix refuses all mail with this; write 0 for no limit",
		     audit_number(audit, names[i]));
	}
	return negative;
}

static void check_free(const struct audit *audit, const struct config_setting *queue, long required)
{
	const bool told = queue->raw != NULL || audit->config->values->postfix;
	const char *path = queue->value.data;
	uint64_t free_bytes;
	const int r = audit->host->free_bytes(audit->host->context, path, &free_bytes);

	if (r < 0 && told)
		warn_at(audit, &queue->origin, "queue_directory",
			"the free space of %s cannot be looked at: %s", path, strerror(-r));
	if (r == 0 && free_bytes <= (uint64_t)required)
		warn_at(audit, &queue->origin, "queue_directory",
			"%" PRIu64
			" bytes are free in %s, more than %ld are needed: Postfix refuses "
			"mail now; make room, or lower message_size_limit and queue_minfree",
			free_bytes, path, required);
}

/* Each Postfix has a queue of its own. */
static int check_queues(struct audit *audit, long required)
{
	const struct postfix *postfix = audit->config->values->postfix;
	int r = 0;

	check_free(audit, audit_setting(audit, "queue_directory"), required);
	for (size_t i = 1; postfix && i < postfix->count && r == 0; i++) {
		struct config_scope *scope = config_scope_new(audit->config->values, SCOPE_POSTFIX,
							      &postfix->instances[i], NULL);
		const struct config_setting *queue;

		if (!scope)
			return -ENOMEM;
		r = config_scope_value(&audit->loader, scope, "queue_directory", &queue);
		if (r == 0)
			check_free(audit, queue, required);
		config_scope_free(scope);
	}
	return r == -ENOMEM ? r : 0;
}

int audit_sizes(struct audit *audit)
{
	const long size = audit_number(audit, "message_size_limit");
	const long least = audit_number(audit, "queue_minfree");

	if (check_signs(audit))
		return 0;
	if (size > 0 && least > 0 && least < half_more(size))
		warn(audit, "queue_minfree",
		     "%ld is less than 1.5 times message_size_limit (%ld), below which Postfix "
		     "refuses mail anyway; write queue_minfree = %ld",
		     least, size, half_more(size));
	return check_queues(audit, least > half_more(size) ? least : half_more(size));
}
