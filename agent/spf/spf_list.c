/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spf_list.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

void spf_domains_done(struct spf_domains *domains)
{
	free(domains->names);
	*domains = (struct spf_domains){ 0 };
}

int spf_domains_add(struct spf_domains *domains, const char *text, size_t size)
{
	char name[SPF_NAME_SIZE];
	void *names;

	if (spf_name_parse(text, size, name))
		return -EINVAL;
	for (size_t i = 0; i < domains->count; i++)
		if (strcmp(domains->names[i], name) == 0)
			return -EEXIST;
	if (domains->count == SPF_DOMAINS_MAX)
		return -E2BIG;
	names = reallocarray(domains->names, domains->count + 1, sizeof(*domains->names));
	if (!names)
		return -ENOMEM;
	domains->names = names;
	memcpy(domains->names[domains->count++], name, sizeof(name));
	return 0;
}

/* One line; an empty one is fine. */
static int line_take(struct spf_domains *domains, const char *line, size_t size)
{
	const char *comment = memchr(line, '#', size);
	int error;

	if (comment)
		size = (size_t)(comment - line);
	for (; size && isspace((unsigned char)line[size - 1]); size--)
		;
	for (; size && isspace((unsigned char)*line); line++)
		size--;
	error = size ? spf_domains_add(domains, line, size) : 0;
	return error == -EEXIST ? 0 : error;
}

int spf_domains_read(FILE *stream, struct spf_domains *domains, unsigned *reterr_line)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	ssize_t size;

	*reterr_line = 0;
	while ((size = getline(&line, &room, stream)) >= 0) {
		int error;

		++*reterr_line;
		error = line_take(domains, line, (size_t)size);
		if (error)
			return error;
	}
	*reterr_line = 0;
	return ferror(stream) ? -EIO : 0;
}

void spf_rules_print(FILE *stream, const char *domain, const struct spf_networks *networks)
{
	char text[PREFIX_TEXT_SIZE];

	(void)fprintf(stream, "\n# %s\n", domain);
	for (size_t i = 0; i < networks->count; i++) {
		prefix_format(&networks->items[i], text);
		(void)fprintf(stream, "%-44s permit\n", text);
	}
}

/* A file that cannot be read differs. */
static bool holds(const char *path, const char *text, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *old = malloc(size + 1);

	return file && old && fread(old, 1, size + 1, file) == size && memcmp(old, text, size) == 0;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size) {
		const ssize_t written = write(fd, text, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		size -= (size_t)written;
	}
	return 0;
}

/* The directory, locked: of two that write there, one would remove or rename what the other writes.
 */
static int directory_lock(const char *path)
{
	char copy[PATH_MAX];
	_cleanup_close_ int fd = -1;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return -ENAMETOOLONG;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return TAKE_FD(fd);
}

/*
 * A file, or nothing. A link is neither followed (whoever may write to this directory would choose
 * what is overwritten) nor replaced (somebody wanted the file to be elsewhere).
 */
static int place_check(const char *path)
{
	struct stat status;

	if (lstat(path, &status))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(status.st_mode))
		return -ELOOP;
	return S_ISREG(status.st_mode) ? 0 : -EINVAL;
}

static int write_new(const char *name, const char *text, size_t size)
{
	_cleanup_close_ int fd =
		open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return -errno;
	error = write_all(fd, text, size);
	/* Whoever reads the configuration reads this too. */
	if (!error && (fchmod(fd, 0644) || fsync(fd)))
		error = -errno;
	return error;
}

int spf_file_replace(const char *path, const char *text, size_t size)
{
	char name[PATH_MAX];
	_cleanup_close_ int directory = -1;
	int error;

	if ((size_t)snprintf(name, sizeof(name), "%s" SPF_NEW_SUFFIX, path) >= sizeof(name))
		return -ENAMETOOLONG;
	directory = directory_lock(path);
	if (directory < 0)
		return directory;
	error = place_check(path);
	if (error)
		return error;
	/* What a run that was killed has left. */
	(void)unlink(name);
	if (holds(path, text, size))
		return 1;
	error = write_new(name, text, size);
	if (!error && rename(name, path))
		error = -errno;
	if (error) {
		if (error != -EEXIST)
			(void)unlink(name);
		return error;
	}
	/* The name is on disk once its directory is. */
	return fsync(directory) ? -errno : 0;
}
