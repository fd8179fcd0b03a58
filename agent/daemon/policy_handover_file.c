/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hand-over on disk. Not synced: it has to outlive the agent, not the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "policy_handover.h"

#define TEMPORARY_NAME POLICY_HANDOVER_NAME ".new"

void policy_handover_boot(char boot[static POLICY_BOOT_SIZE])
{
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(boot, 0, POLICY_BOOT_SIZE);
	if (!file || !fgets(boot, POLICY_BOOT_SIZE, file))
		memset(boot, 0, POLICY_BOOT_SIZE);
	boot[strcspn(boot, "\n")] = '\0';
}

static int directory_open(const char *path, int *ret_fd)
{
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

/* Takes fd. */
static int write_closing(int fd, const char *data, size_t size)
{
	FILE *file = fdopen(fd, "w");
	bool failed;

	if (!file) {
		const int error = -errno;

		(void)close(fd);
		return error;
	}
	errno = 0;
	failed = fwrite(data, 1, size, file) != size;
	failed |= fclose(file) != 0;
	if (!failed)
		return 0;
	return errno ? -errno : -EIO;
}

int policy_handover_store(const char *directory, const struct policy_counters *counters,
			  uint32_t unit_ms, uint64_t now_ms)
{
	_cleanup_close_ int at = -1;
	_cleanup_free_ char *data = NULL;
	char boot[POLICY_BOOT_SIZE];
	size_t size = 0;
	int error, fd;

	policy_handover_boot(boot);
	error = policy_handover_format(counters, boot, unit_ms, now_ms, &data, &size);
	if (!error)
		error = directory_open(directory, &at);
	if (error)
		return error;
	(void)unlinkat(at, TEMPORARY_NAME, 0);
	fd = openat(at, TEMPORARY_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = write_closing(fd, data, size);
	if (!error && renameat(at, TEMPORARY_NAME, at, POLICY_HANDOVER_NAME) < 0)
		error = -errno;
	if (error)
		(void)unlinkat(at, TEMPORARY_NAME, 0);
	return error;
}

static int read_all(int fd, char **ret_data, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL;
	struct stat status;
	size_t used = 0;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > POLICY_HANDOVER_MAX)
		return -EINVAL;
	data = malloc((size_t)status.st_size + 1);
	if (!data)
		return -ENOMEM;
	while (used < (size_t)status.st_size) {
		const ssize_t got = read(fd, data + used, (size_t)status.st_size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	*ret_data = TAKE_PTR(data);
	*ret_size = used;
	return 0;
}

int policy_handover_load(const char *directory, struct policy_counters *ret_counters)
{
	_cleanup_close_ int at = -1, fd = -1;
	_cleanup_free_ char *data = NULL;
	char boot[POLICY_BOOT_SIZE];
	size_t size = 0;
	int error = directory_open(directory, &at);

	if (error)
		return error;
	fd = openat(at, POLICY_HANDOVER_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	error = read_all(fd, &data, &size);
	(void)unlinkat(at, POLICY_HANDOVER_NAME, 0);
	if (error)
		return error;
	policy_handover_boot(boot);
	return policy_handover_parse(data, size, boot, ret_counters);
}
