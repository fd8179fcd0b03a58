/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading of /proc/self.
 */
#include "process_stats.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "cleanup.h"

/* The decimal number at the start of text; what is no number reads as 0. */
static uint64_t number(const char *text)
{
	uint64_t value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return value;
}

/* The text behind so many blanks, or an empty one. */
static const char *behind_blanks(const char *text, unsigned blanks)
{
	while (blanks-- && text) {
		text = strchr(text, ' ');
		text = text ? text + 1 : NULL;
	}
	return text ? text : "";
}

/* Field 22 of /proc/self/stat is the start in ticks since boot. */
static double start_ticks(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/stat", "re");
	char line[1024];
	const char *rest;

	if (!file || !fgets(line, sizeof(line), file))
		return 0;
	/* Field 2, the name, may hold blanks and parentheses; field 3 is two bytes behind its end.
	 */
	rest = strrchr(line, ')');
	return rest ? (double)number(behind_blanks(rest, 22 - 2)) : 0;
}

static double boot_time(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/stat", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "btime ", 6) == 0)
			return (double)number(line + 6);
	return 0;
}

static void memory_read(struct process_stats *stats)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char line[256];

	if (!file || !fgets(line, sizeof(line), file))
		return;
	stats->virtual_bytes = number(line) * page;
	stats->resident_bytes = number(behind_blanks(line, 1)) * page;
}

/* Since Linux 6.2 the directory's size is the number; before it has none. Reading thousands of
 * names takes longer than all the rest of a scrape. */
static uint64_t open_fds(void)
{
	DIR *directory;
	const struct dirent *entry;
	struct stat status;
	uint64_t count = 0;

	if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0)
		return (uint64_t)status.st_size;
	directory = opendir("/proc/self/fd");
	if (!directory)
		return 0;
	while ((entry = readdir(directory)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(directory);
	return count - 1; /* the directory itself */
}

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

void process_stats_read(struct process_stats *ret_stats)
{
	struct process_stats stats = { 0 };
	struct rusage usage;
	struct rlimit files;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		stats.cpu_seconds = seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		stats.max_fds = files.rlim_cur == RLIM_INFINITY ? UINT64_MAX : files.rlim_cur;
	stats.start_time_seconds = boot_time() + start_ticks() / (double)sysconf(_SC_CLK_TCK);
	stats.open_fds = open_fds();
	memory_read(&stats);
	*ret_stats = stats;
}
