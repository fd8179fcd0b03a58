/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the files on disk are still those that were read.
 */
#include <errno.h>
#include <sys/stat.h>

#include "config.h"

int config_identify_file(void *context, const char *path, struct config_file *ret_file)
{
	struct stat status;

	(void)context;
	if (stat(path, &status) < 0)
		return -errno;
	ret_file->device = status.st_dev;
	ret_file->inode = status.st_ino;
	ret_file->size = status.st_size;
	ret_file->modified_ns =
		(int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
	return 0;
}

bool config_file_is_stale(const struct config_file *file, config_identify_fn *identify,
			  void *context)
{
	struct config_file now = { .path = file->path };
	const int r = identify(context, file->path, &now);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR;
	return now.device != file->device || now.inode != file->inode || now.size != file->size ||
	       now.modified_ns != file->modified_ns;
}

bool config_is_stale(const struct config *config, config_identify_fn *identify, void *context)
{
	for (size_t i = 0; i < config->file_count; i++) {
		if (config_file_is_stale(&config->files[i], identify, context))
			return true;
	}
	return false;
}
