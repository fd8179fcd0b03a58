/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities through libcap-ng. Two of them suffice to load, attach, update, detach and pin
 * the packet path; counting connections in the kernel takes CAP_PERFMON too.
 */
#include "privileges.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cleanup.h"

#define USER_NAME "synanvil"

static bool may(unsigned capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability);
}

int privileges_check(struct explanation *reterr_why)
{
	const char *missing = NULL;

	if (capng_get_caps_process())
		return explain(reterr_why, -EPERM, "cannot read the capabilities of this process");
	if (!may(CAP_NET_ADMIN))
		missing = "CAP_NET_ADMIN";
	else if (!may(CAP_BPF))
		missing = "CAP_BPF";
	if (!missing)
		return 0;
	return explain(
		reterr_why, -EPERM,
		"%s is missing: start synanvild as root, or with CAP_BPF, CAP_NET_ADMIN and, "
		"for counting connections in the kernel, CAP_PERFMON",
		missing);
}

/* The kernel takes CAP_SYS_ADMIN for it as well. */
bool privileges_may_trace(void)
{
	return may(CAP_PERFMON) || may(CAP_SYS_ADMIN);
}

void privileges_user_find(struct privileges_user *ret_user)
{
	const struct passwd *entry = geteuid() == 0 ? getpwnam(USER_NAME) : NULL;

	*ret_user = (struct privileges_user){};
	if (entry)
		*ret_user = (struct privileges_user){ true, entry->pw_uid, entry->pw_gid };
}

static void close_directory(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

int privileges_give_directory(const char *directory, const struct privileges_user *user)
{
	_cleanup_(close_directory) DIR *entries = opendir(directory);
	const struct dirent *entry;

	if (!entries || fchown(dirfd(entries), user->uid, user->gid))
		return -errno;
	for (errno = 0; (entry = readdir(entries)); errno = 0) {
		if (entry->d_type != DT_REG)
			continue;
		if (fchownat(dirfd(entries), entry->d_name, user->uid, user->gid,
			     AT_SYMLINK_NOFOLLOW))
			return -errno;
	}
	return -errno;
}

int privileges_drop(const struct privileges_user *user, struct explanation *reterr_why)
{
	const bool may_bound = may(CAP_SETPCAP), may_perfmon = may(CAP_PERFMON);
	int error = 0;

	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_BPF, CAP_NET_ADMIN,
			  may_perfmon ? CAP_PERFMON : -1, -1))
		error = -EINVAL;
	/* A careful service manager does not give CAP_SETPCAP; then it has set the bounds itself.
	 */
	if (may_bound)
		(void)capng_apply(CAPNG_SELECT_BOUNDS);
	if (!error && user->change)
		error = capng_change_id((int)user->uid, (int)user->gid, CAPNG_DROP_SUPP_GRP);
	else if (!error)
		error = capng_apply(CAPNG_SELECT_CAPS);
	if (error)
		return explain(reterr_why, -EPERM, "cannot drop privileges (libcap-ng says %d)",
			       error);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return explain(reterr_why, -errno, "cannot drop privileges: %s", strerror(errno));
	return 0;
}
