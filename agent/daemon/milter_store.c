/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The milter's counts on disk, so that they go on where they were after the agent's restart. Not
 * synced: what a crash of the machine may cost is some seconds of statistics.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "milter_totals.h"

#define NAME "milter"

/* Larger than any file that is written here. */
#define FILE_MAX 65536

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

static int path_make(const char *directory, const char *name, char **ret_path)
{
	return asprintf(ret_path, "%s/%s", directory, name) < 0 ? -ENOMEM : 0;
}

int milter_totals_load(const char *directory, struct milter_totals *ret_totals)
{
	_cleanup_(cleanup_json) json_t *object = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	struct stat status;

	if (path_make(directory, NAME, &path)) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX)
		return -EINVAL;
	object = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
	return object ? milter_totals_parse(object, ret_totals) : -EINVAL;
}

static int write_file(const char *path, const json_t *object)
{
	_cleanup_close_ int fd = -1;

	/* What an agent left that was killed here. */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	return json_dumpfd(object, fd, JSON_COMPACT) < 0 ? -EIO : 0;
}

int milter_totals_store(const char *directory, const struct milter_totals *totals)
{
	_cleanup_(cleanup_json) json_t *object = milter_totals_json(totals);
	_cleanup_free_ char *path = NULL, *temporary = NULL;
	int error;

	if (!object)
		return -ENOMEM;
	if (path_make(directory, NAME, &path)) {
		path = NULL;
		return -ENOMEM;
	}
	if (path_make(directory, NAME ".new", &temporary)) {
		temporary = NULL;
		return -ENOMEM;
	}
	error = write_file(temporary, object);
	if (!error && rename(temporary, path) < 0)
		error = -errno;
	if (error)
		(void)unlink(temporary);
	return error;
}
