/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities and user through libcap-ng.
 */
#include "unprivileged.h"

#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "milter_report.h"

/* A connection is a descriptor. */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int unprivileged_become(void)
{
	uid_t user;
	gid_t group;
	int error;

	descriptors_raise();
	capng_clear(CAPNG_SELECT_BOTH);
	if (geteuid() != 0) {
		error = capng_apply(CAPNG_SELECT_CAPS);
	} else {
		error = milter_user_find(&user, &group);
		if (error)
			return error;
		error = capng_change_id((int)user, (int)group, CAPNG_DROP_SUPP_GRP);
	}
	if (error || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -EPERM;
	return 0;
}
