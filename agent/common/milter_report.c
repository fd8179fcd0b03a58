/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that both sides of a report use.
 */
#include "milter_report.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>

static const char *const users[] = { "synanvil-milter", "nobody" };

const char *milter_action_name(enum milter_action action)
{
	static const char *const names[MILTER_ACTIONS] = {
		[MILTER_ACCEPT] = "accept",
		[MILTER_TRUNCATE] = "truncate",
		[MILTER_REJECT] = "reject",
		[MILTER_WOULD_TRUNCATE] = "would_truncate",
		[MILTER_WOULD_REJECT] = "would_reject",
	};

	return names[action];
}

char *milter_report_socket(const char *control_socket)
{
	char *path = NULL;

	return asprintf(&path, "%s" MILTER_REPORT_SUFFIX, control_socket) < 0 ? NULL : path;
}

int milter_user_find(uid_t *ret_user, gid_t *ret_group)
{
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		const struct passwd *entry = getpwnam(users[i]);

		if (!entry)
			continue;
		*ret_user = entry->pw_uid;
		*ret_group = entry->pw_gid;
		return 0;
	}
	return -ESRCH;
}
