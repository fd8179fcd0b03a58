/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Made where it is missing, and given away only where it is an agent's.
 */
#include "socket_directory.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"

/* Whether a directory that was there before is an agent's: of its name, and nobody else's. */
static bool is_ours(const char *directory)
{
	const char *name = strrchr(directory, '/');
	struct stat status;

	return name && strcmp(name, "/synanvil") == 0 && lstat(directory, &status) == 0 &&
	       S_ISDIR(status.st_mode) && status.st_uid == 0 && !(status.st_mode & 022);
}

void socket_directory_make(const char *path)
{
	struct privileges_user user;
	char copy[PATH_MAX];
	const char *directory;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return;
	directory = dirname(copy);
	privileges_user_find(&user);
	if (mkdir(directory, 0755) < 0 && !is_ours(directory))
		return;
	if (user.change && lchown(directory, user.uid, user.gid))
		log_warning("cannot give %s to the user synanvil: %s", directory, strerror(errno));
}
