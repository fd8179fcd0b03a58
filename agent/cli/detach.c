/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pins are named as the agent names them: link-<ifindex> for the links, "abi" for the mark of its
 * layout, and the maps. A directory without any of the first two is not an agent's, and nothing in
 * it is touched.
 *
 * The lock is held to the end, so that an agent that starts meanwhile waits or finds nothing.
 */
#include "detach.h"

#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cleanup.h"

#define LINK_PREFIX "link-"
#define ABI_PIN     "abi"

static void cleanup_closedir(DIR **stream)
{
	if (*stream)
		(void)closedir(*stream);
}

static bool is_link(const char *name)
{
	return strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX)) == 0;
}

static bool is_any(const char *name)
{
	return name[0] != '.';
}

static bool is_mark(const char *name)
{
	return is_link(name) || strcmp(name, ABI_PIN) == 0;
}

struct pins {
	const struct cli *cli;
	const char *directory;
	int fd; /* of directory; locked */
	size_t detached;
};

/* Calls act for every entry that wanted selects; *ret_count is how many there were. act may be
 * NULL. */
static enum cli_status each(struct pins *pins, bool (*wanted)(const char *name),
			    enum cli_status (*act)(struct pins *pins, const char *name),
			    size_t *ret_count)
{
	_cleanup_close_ int fd = openat(pins->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(cleanup_closedir) DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	enum cli_status status = CLI_DONE;
	const struct dirent *entry;

	if (!stream)
		return cli_fail(pins->cli, CLI_FAILED, "%s: %s", pins->directory, strerror(errno));
	(void)TAKE_FD(fd);
	*ret_count = 0;
	while (!status && (entry = readdir(stream))) {
		if (!wanted(entry->d_name))
			continue;
		++*ret_count;
		if (act)
			status = act(pins, entry->d_name);
	}
	return status;
}

/* A link whose interface is gone cannot be detached any more, and need not be. */
static enum cli_status detach_link(struct pins *pins, const char *name)
{
	_cleanup_free_ char *path = NULL;
	struct bpf_link *link;
	int result;

	if (asprintf(&path, "%s/%s", pins->directory, name) < 0)
		return cli_fail(pins->cli, CLI_FAILED, "out of memory");
	link = bpf_link__open(path);
	if (!link)
		return cli_fail(pins->cli, CLI_FAILED, "%s: %s", path, strerror(errno));
	result = bpf_link__detach(link);
	(void)bpf_link__destroy(link);
	if (result && result != -ENOLINK && result != -ENODEV && result != -EINVAL)
		return cli_fail(pins->cli, CLI_FAILED, "%s: cannot detach: %s", path,
				strerror(-result));
	pins->detached++;
	return CLI_DONE;
}

static enum cli_status remove_pin(struct pins *pins, const char *name)
{
	if (unlinkat(pins->fd, name, 0) && errno != ENOENT)
		return cli_fail(pins->cli, CLI_FAILED, "%s/%s: cannot remove: %s", pins->directory,
				name, strerror(errno));
	return CLI_DONE;
}

/* The directory, locked. *ret_fd stays -1 if there is none. */
static enum cli_status open_directory(const struct cli *cli, const char *directory, int *ret_fd)
{
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs mounted;

	if (fd < 0 && errno == ENOENT)
		return CLI_DONE;
	if (fd < 0 || fstatfs(fd, &mounted))
		return cli_fail(cli, CLI_FAILED, "%s: %s", directory, strerror(errno));
	if (mounted.f_type != BPF_FS_MAGIC)
		return cli_fail(cli, CLI_FAILED, "%s: not in a BPF file system", directory);
	if (flock(fd, LOCK_EX | LOCK_NB))
		return cli_fail(
			cli, CLI_FAILED,
			"an agent has %s in use but does not answer on %s: stop it, or give its "
			"socket with -s",
			directory, cli->socket_path);
	*ret_fd = TAKE_FD(fd);
	return CLI_DONE;
}

static enum cli_status remove_all(struct pins *pins)
{
	size_t count = 0;
	enum cli_status status = each(pins, is_mark, NULL, &count);

	if (status || count == 0)
		return status;
	status = each(pins, is_link, detach_link, &count);
	if (!status)
		status = each(pins, is_any, remove_pin, &count);
	if (!status && rmdir(pins->directory) && errno != EBUSY && errno != ENOENT)
		return cli_fail(pins->cli, CLI_FAILED, "%s: cannot remove: %s", pins->directory,
				strerror(errno));
	return status;
}

enum cli_status detach_pins(const struct cli *cli, const char *directory, size_t *ret_detached)
{
	_cleanup_close_ int fd = -1;
	struct pins pins = { .cli = cli, .directory = directory };
	enum cli_status status = open_directory(cli, directory, &fd);

	if (status || fd < 0)
		return status;
	pins.fd = fd;
	status = remove_all(&pins);
	*ret_detached = pins.detached;
	return status;
}
