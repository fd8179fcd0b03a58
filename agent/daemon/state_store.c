/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of run-time rules on disk: read whole, replaced whole, set aside when damaged.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "state_file.h"

#define TEMPORARY_NAME STATE_FILE_NAME ".new"

/* Up to size bytes; *ret_size says how many there were. */
static int read_all(int fd, char *buffer, size_t size, size_t *ret_size)
{
	size_t used = 0;

	while (used < size) {
		const ssize_t got = read(fd, buffer + used, size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	*ret_size = used;
	return 0;
}

int state_file_load(int directory, struct state_rules *ret_rules, struct state_damage *ret_damage)
{
	_cleanup_close_ int fd =
		openat(directory, STATE_FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct stat status;
	size_t size = 0;
	int error;

	*ret_rules = (struct state_rules){ 0 };
	*ret_damage = (struct state_damage){ 0 };
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > STATE_FILE_MAX) {
		ret_damage->reason = "not a file of a sensible size";
		return 0;
	}
	text = malloc((size_t)status.st_size + 1);
	if (!text)
		return -ENOMEM;
	error = read_all(fd, text, (size_t)status.st_size, &size);
	if (error)
		return error;
	return state_file_parse(text, size, ret_rules, ret_damage);
}

bool state_file_holds(int directory, const struct state_rules *rules)
{
	_cleanup_(state_rules_done) struct state_rules there = { 0 };
	_cleanup_free_ char *text = NULL, *text_there = NULL;
	struct state_damage damage;
	size_t size, size_there;

	if (state_file_load(directory, &there, &damage) || damage.reason)
		return false;
	if (state_file_format(rules, &text, &size) ||
	    state_file_format(&there, &text_there, &size_there))
		return false;
	return size == size_there && memcmp(text, text_there, size) == 0;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size) {
		const ssize_t put = write(fd, text, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		text += put;
		size -= (size_t)put;
	}
	return 0;
}

/* A new file with the text, on the disk when this returns. */
static int write_temporary(int directory, const char *text, size_t size)
{
	_cleanup_close_ int fd = -1;
	int error;

	/* What an agent left that was killed here. */
	if (unlinkat(directory, TEMPORARY_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(directory, TEMPORARY_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	error = write_all(fd, text, size);
	if (!error && fsync(fd) < 0)
		error = -errno;
	return error;
}

int state_file_store(int directory, const struct state_rules *rules)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int error = state_file_format(rules, &text, &size);

	if (error)
		return error;
	error = write_temporary(directory, text, size);
	if (!error && renameat(directory, TEMPORARY_NAME, directory, STATE_FILE_NAME) < 0)
		error = -errno;
	if (error) {
		(void)unlinkat(directory, TEMPORARY_NAME, 0);
		return error;
	}
	return fsync(directory) < 0 ? -errno : 0;
}

int state_file_set_aside(int directory, const char *why, int64_t wall_ms, char *name, size_t size)
{
	struct stat status;

	/* Two within a second are possible where somebody restores and breaks files; keep both. */
	for (int64_t stamp = wall_ms / 1000;; stamp++) {
		const int length = snprintf(name, size, STATE_FILE_NAME ".%s-%" PRId64, why, stamp);

		if (length < 0 || (size_t)length >= size)
			return -ENAMETOOLONG;
		if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		if (errno != ENOENT)
			return -errno;
		break;
	}
	if (renameat(directory, STATE_FILE_NAME, directory, name) < 0)
		return -errno;
	return fsync(directory) < 0 ? -errno : 0;
}
