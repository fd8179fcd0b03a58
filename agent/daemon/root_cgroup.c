/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "root_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

#define CGROUP_VERSION_2 "cgroup2"

/* Every cgroup but the root has it, also where a namespace shows another one as the root. */
#define OF_OTHERS_ONLY "cgroup.type"

#define MOUNT_LINE_MAX 4096

static void mounts_close(FILE **mounts)
{
	if (*mounts)
		(void)endmntent(*mounts);
}

static bool is_root(int cgroup)
{
	return faccessat(cgroup, OF_OTHERS_ONLY, F_OK, 0) && errno == ENOENT;
}

int root_cgroup_open(const char *mounts, int *ret_cgroup)
{
	_cleanup_(mounts_close) FILE *list = setmntent(mounts, "re");
	char line[MOUNT_LINE_MAX];
	struct mntent entry;

	if (!list)
		return -errno;
	while (getmntent_r(list, &entry, line, sizeof(line))) {
		_cleanup_close_ int cgroup = -1;

		if (strcmp(entry.mnt_type, CGROUP_VERSION_2) != 0)
			continue;
		cgroup = open(entry.mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (cgroup < 0 || !is_root(cgroup))
			continue;
		*ret_cgroup = TAKE_FD(cgroup);
		return 0;
	}
	return -ENOENT;
}
