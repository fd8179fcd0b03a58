/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pin directory. Names of pins never come from outside: they are those of the maps, "abi",
 * "counting", "counting-again" and "link-<ifindex>".
 */
#include "pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cleanup.h"
#include "privileges.h"

/* Of a pin on its way to its name. A suffix is not possible: the BPF file system refuses names with
 * a dot. */
#define NEW_PREFIX    "new-"
#define PIN_NAME_SIZE 64
/* Two agents may meet while one of them removes the directory; each turn means that one has just
 * left. */
#define OPEN_ATTEMPTS 20

static bool is_bpffs(const char *path)
{
	struct statfs file_system;

	return statfs(path, &file_system) == 0 && file_system.f_type == BPF_FS_MAGIC;
}

static int directory_make(const char *directory, struct explanation *reterr_why)
{
	char parent[PATH_MAX];

	if (is_bpffs(directory))
		return 0;
	if ((size_t)snprintf(parent, sizeof(parent), "%s", directory) >= sizeof(parent))
		return explain(reterr_why, -ENAMETOOLONG, "bpf_directory %s: the path is too long",
			       directory);
	if (access(directory, F_OK) != 0)
		(void)dirname(parent);
	if (access(parent, F_OK) != 0)
		return explain(reterr_why, -errno, "bpf_directory %s: cannot find %s: %s",
			       directory, parent, strerror(errno));
	if (!is_bpffs(parent))
		return explain(reterr_why, -ENODEV,
			       "bpf_directory %s is not on a BPF file system; mount one with: "
			       "mount -t bpf -o mode=0700 bpf %s",
			       directory, parent);
	if (mkdir(directory, 0700) && errno != EEXIST)
		return explain(reterr_why, -errno, "cannot create bpf_directory %s: %s", directory,
			       strerror(errno));
	return 0;
}

/*
 * Who may write here may take the limiter's pins away: root, and the user whom the agent becomes. A
 * BPF file system that was mounted without mode=0700 lets anyone make the directory first.
 */
static bool directory_is_ours(const struct stat *status)
{
	struct privileges_user user;

	privileges_user_find(&user);
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return false;
	return status->st_uid == 0 || status->st_uid == geteuid() ||
	       (user.change && status->st_uid == user.uid);
}

static int directory_lock(const char *directory, int *ret_pins, struct explanation *reterr_why)
{
	_cleanup_close_ int pins = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (pins < 0)
		return explain(reterr_why, errno == ENOENT ? -ESTALE : -errno,
			       "cannot open bpf_directory %s: %s", directory, strerror(errno));
	if (flock(pins, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return explain(reterr_why, -EBUSY,
				       "another synanvild is running with bpf_directory %s",
				       directory);
		return explain(reterr_why, -errno, "cannot lock bpf_directory %s: %s", directory,
			       strerror(errno));
	}
	if (fstat(pins, &status) || status.st_nlink == 0)
		return explain(reterr_why, -ESTALE, "bpf_directory %s was removed meanwhile",
			       directory);
	if (!directory_is_ours(&status))
		return explain(
			reterr_why, -EPERM,
			"bpf_directory %s can be written by others: its owner or mode is wrong",
			directory);
	if (fchdir(pins))
		return explain(reterr_why, -errno, "cannot enter bpf_directory %s: %s", directory,
			       strerror(errno));
	*ret_pins = TAKE_FD(pins);
	return 0;
}

int pins_get(const char *name)
{
	int fd = bpf_obj_get(name);

	return fd < 0 ? -errno : fd;
}

int pins_put(const char *name, int fd)
{
	char fresh[PIN_NAME_SIZE];
	int length = snprintf(fresh, sizeof(fresh), NEW_PREFIX "%s", name);

	if (length < 0 || (size_t)length >= sizeof(fresh))
		return -ENAMETOOLONG;
	if (bpf_obj_pin(fd, fresh))
		return -errno;
	return rename(fresh, name) ? -errno : 0;
}

int pins_remove(const char *name)
{
	return unlink(name) && errno != ENOENT ? -errno : 0;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

static DIR *directory_read(int pins)
{
	_cleanup_close_ int again = openat(pins, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again >= 0 ? fdopendir(again) : NULL;

	if (directory)
		(void)TAKE_FD(again);
	return directory;
}

int pins_each(int pins, const char *prefix, int (*visit)(const char *name, void *context),
	      void *context)
{
	_cleanup_(close_directory) DIR *directory = directory_read(pins);
	int result = 0;

	if (!directory)
		return -errno;
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(directory);
		if (!entry)
			return -errno;
		if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		result = visit(entry->d_name, context);
		if (result)
			return result;
	}
}

static int remove_one(const char *name, void *context)
{
	int *error = context;
	int failed = pins_remove(name);

	if (failed && !*error)
		*error = failed;
	return 0;
}

/* What an agent that was killed in pins_put left; a link among them would outlive its removal. */
static int leftovers_remove(int pins)
{
	int first_error = 0, error = pins_each(pins, NEW_PREFIX, remove_one, &first_error);

	return error ? error : first_error;
}

int pins_open(const char *directory, int *ret_pins, struct explanation *reterr_why)
{
	_cleanup_close_ int pins = -1;
	int error = -ESTALE;

	for (int i = 0; i < OPEN_ATTEMPTS && error == -ESTALE; i++) {
		error = directory_make(directory, reterr_why);
		if (!error)
			error = directory_lock(directory, &pins, reterr_why);
	}
	if (!error && leftovers_remove(pins))
		error = explain(reterr_why, -EIO, "cannot clean up bpf_directory %s", directory);
	if (error)
		return error;
	*ret_pins = TAKE_FD(pins);
	return 0;
}

int pins_remove_all(int pins, const char *directory)
{
	int first_error = 0, error;

	error = pins_each(pins, "", remove_one, &first_error);
	/* Only its owner may remove it from the directory above, and others may have put something
	 * there. */
	(void)rmdir(directory);
	return error ? error : first_error;
}

struct owner {
	uid_t uid;
	gid_t gid;
};

static int give_one(const char *name, void *context)
{
	const struct owner *owner = context;

	return chown(name, owner->uid, owner->gid) ? -errno : 0;
}

int pins_give(int pins, uid_t uid, gid_t gid)
{
	struct owner owner = { uid, gid };

	if (fchown(pins, uid, gid))
		return -errno;
	return pins_each(pins, "", give_one, &owner);
}
