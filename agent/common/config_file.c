/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files, whole and bounded: never waits for a pipe, never takes a device for a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "config_internal.h"

/* Reads up to room bytes. */
static ssize_t read_all(int fd, char *buffer, size_t room)
{
	size_t used = 0;

	while (used < room) {
		const ssize_t n = read(fd, buffer + used, room - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

int config_read_file(void *context, const char *path, char **ret_text, size_t *ret_size,
		     const char **reterr_message)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat status;
	ssize_t size;

	(void)context;
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode)) {
		*reterr_message = "not a regular file";
		return -EINVAL;
	}
	if (status.st_size > (off_t)CONFIG_FILE_BYTES_MAX) {
		*reterr_message = "larger than 16 MiB";
		return -EFBIG;
	}
	/* One byte more than it has: a file that grows meanwhile is noticed, not cut. */
	text = malloc((size_t)status.st_size + 2);
	if (!text)
		return -ENOMEM;
	size = read_all(fd, text, (size_t)status.st_size + 1);
	if (size < 0)
		return (int)size;
	if (size != status.st_size) {
		*reterr_message = "it changed while it was read";
		return -EAGAIN;
	}
	*ret_size = (size_t)size;
	*ret_text = TAKE_PTR(text);
	return 0;
}

/* A file of text has no NUL bytes; what follows one would be lost silently. */
static bool report_nul(struct config_loader *loader, const char *path, const char *parameter,
		       const char *text, size_t size)
{
	const char *nul = memchr(text, '\0', size);
	unsigned line = 1;

	if (!nul)
		return false;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	report_add(loader->report, REPORT_ERROR, path, line, parameter,
		   "there is a NUL byte in the file");
	return true;
}

/* What the file was before it was read: if it changes meanwhile, it is another one later. */
static int file_note(struct config_loader *loader, const char *path)
{
	struct config *config = loader->config;
	struct config_file *grown;

	for (size_t i = 0; i < config->file_count; i++) {
		if (strcmp(config->files[i].path, path) == 0)
			return 0;
	}
	grown = reallocarray(config->files, config->file_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	config->files = grown;
	grown += config->file_count;
	*grown = (struct config_file){ .path = config_file_name(config->values, path) };
	if (!grown->path)
		return -ENOMEM;
	config->file_count++;
	if (loader->reader->identify)
		(void)loader->reader->identify(loader->reader->context, path, grown);
	return 0;
}

/* Reads a file within the budget; message and errno as config_read_fn gives them. */
static int read_within_budget(struct config_loader *loader, const char *path, char **ret_text,
			      size_t *ret_size, const char **reterr_message)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	if (!loader->reader) {
		*reterr_message = "files cannot be read here";
		return -EPERM;
	}
	r = file_note(loader, path);
	if (r < 0)
		return r;
	r = loader->reader->read(loader->reader->context, path, &text, &size, reterr_message);
	if (r < 0)
		return r;
	if (loader->files_left == 0 || size > loader->read_left) {
		*reterr_message = "too many files, or too many bytes in all of them";
		return -E2BIG;
	}
	loader->files_left--;
	loader->read_left -= size;
	*ret_text = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

int config_read(struct config_loader *loader, const char *path, char **ret_text, size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	const char *message = NULL;
	const int r = read_within_budget(loader, path, &text, ret_size, &message);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		report_add(loader->report, REPORT_ERROR, path, 0, NULL, "%s",
			   message ? message : strerror(-r));
		return -EINVAL;
	}
	if (report_nul(loader, path, NULL, text, *ret_size))
		return -EINVAL;
	*ret_text = TAKE_PTR(text);
	return 0;
}

int config_include(struct config_loader *loader, const char *path,
		   const struct config_origin *origin, const char *parameter, char **ret_text,
		   size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	const char *message = NULL;
	const int r = read_within_budget(loader, path, &text, ret_size, &message);

	*ret_text = NULL;
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		config_error(loader, origin, parameter, "%s: %s", path,
			     message ? message : strerror(-r));
		return 0;
	}
	if (!report_nul(loader, path, parameter, text, *ret_size))
		*ret_text = TAKE_PTR(text);
	return 0;
}
