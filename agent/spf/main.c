/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synanvil-spf: the networks of large senders, from their SPF records, as a cidr table for the
 * exceptions. One domain that cannot be expanded keeps the whole old file: an exception too few
 * delays mail. Exit status 1 on failure, 2 on wrong usage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "parse.h"
#include "spf_dns.h"
#include "spf_list.h"

#define EXIT_USAGE      2
#define LIST_DEFAULT    "/etc/synanvil/big-senders"
#define FILE_DEFAULT    "/var/lib/synanvil-spf/big-senders.cidr"
#define SECONDS_DEFAULT 120

struct options {
	const char *list;
	const char *file;
	const char *server; /* NULL: as resolv.conf says */
	int seconds;
	bool print; /* to standard output, and no file */
};

static int usage(void)
{
	(void)fputs("usage: synanvil-spf [-nv] [-l LIST] [-o FILE] [-s SERVER[@PORT]] [-t TIME] "
		    "[DOMAIN...]\n",
		    stderr);
	return EXIT_USAGE;
}

/* 0, or the exit status. */
static int options_parse(int argc, char **argv, struct options *options)
{
	int option;

	*options = (struct options){ .list = LIST_DEFAULT,
				     .file = FILE_DEFAULT,
				     .seconds = SECONDS_DEFAULT };
	while ((option = getopt(argc, argv, "l:o:s:t:nv")) != -1) {
		switch (option) {
		case 'l':
			options->list = optarg;
			break;
		case 'o':
			options->file = optarg;
			break;
		case 's':
			options->server = optarg;
			break;
		case 't':
			if (parse_time(optarg, 's', &options->seconds) || !options->seconds)
				return usage();
			break;
		case 'n':
			options->print = true;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		default:
			return usage();
		}
	}
	if (optind < argc)
		options->print = true;
	return 0;
}

/* Those of the command line, or of the list. */
static int domains_get(const struct options *options, char *const *names,
		       struct spf_domains *domains)
{
	_cleanup_fclose_ FILE *file = NULL;
	unsigned line;
	int error = 0;

	for (; *names && !error; names++) {
		error = spf_domains_add(domains, *names, strlen(*names));
		error = error == -EEXIST ? 0 : error;
		if (error)
			log_error("%s: no domain", *names);
	}
	if (domains->count || error)
		return error;
	file = fopen(options->list, "re");
	error = file ? spf_domains_read(file, domains, &line) : -errno;
	if (error && file && line)
		log_error("%s:%u: %s", options->list, line,
			  error == -EINVAL ? "no domain" : strerror(-error));
	else if (error)
		log_error("%s: %s", options->list, strerror(-error));
	if (!error && !domains->count) {
		log_error("%s: no domain is in it", options->list);
		return -ENOENT;
	}
	return error;
}

static void note(void *context, const char *line)
{
	(void)context;
	log_info("%s", line);
}

/* All domains are tried, so that one run tells of all that are wrong. */
static int expand_all(struct spf_dns *dns, const struct spf_domains *domains, FILE *stream)
{
	const struct spf_resolver resolver = { spf_dns_query, note, dns };
	char why[SPF_WHY_SIZE];
	int failed = 0;

	(void)fputs("# Written by synanvil-spf from SPF records; changes are lost.\n", stream);
	for (size_t i = 0; i < domains->count; i++) {
		struct spf_networks networks = { 0 };
		const int error = spf_expand(&resolver, domains->names[i], &networks, why);

		if (error)
			log_warning("%s: %s", domains->names[i], why);
		else
			spf_rules_print(stream, domains->names[i], &networks);
		failed = failed ? failed : error;
		spf_networks_done(&networks);
	}
	return failed;
}

static const char *place_problem(int error)
{
	switch (-error) {
	case ELOOP:
		return "is a symbolic link; name the file that it stands for";
	case EINVAL:
		return "is there and not a file";
	case EBUSY:
		return "another synanvil-spf writes in this directory";
	default:
		return strerror(-error);
	}
}

static int publish(const struct options *options, const char *text, size_t size)
{
	int result;

	if (options->print)
		return fwrite(text, 1, size, stdout) == size && !fflush(stdout) ? 0 : -EIO;
	result = spf_file_replace(options->file, text, size);
	if (result < 0)
		log_error("%s: %s; nothing is written", options->file, place_problem(result));
	else
		log_info("%s: %s", options->file, result ? "nothing has changed" : "written");
	return result < 0 ? result : 0;
}

static int run(const struct options *options, const struct spf_domains *domains)
{
	const struct mono_ms deadline = { mono_now().ms + (uint64_t)options->seconds * 1000 };
	_cleanup_free_ char *text = NULL;
	struct spf_dns *dns = NULL;
	size_t size = 0;
	FILE *stream;
	int error = spf_dns_new(options->server, deadline, &dns);

	if (error) {
		log_error("cannot use the name service %s: %s",
			  options->server ? options->server : "of /etc/resolv.conf",
			  strerror(-error));
		return error;
	}
	stream = open_memstream(&text, &size);
	error = stream ? expand_all(dns, domains, stream) : -ENOMEM;
	if (stream && fclose(stream))
		error = -ENOMEM;
	dns = spf_dns_free(dns);
	if (error && !options->print)
		log_error("%s is kept as it is", options->file);
	return error ? error : publish(options, text, size);
}

int main(int argc, char **argv)
{
	_cleanup_(spf_domains_done) struct spf_domains domains = { 0 };
	struct options options;
	int status;

	log_set_level(LOG_LEVEL_INFO);
	status = options_parse(argc, argv, &options);
	if (status)
		return status;
	if (domains_get(&options, argv + optind, &domains))
		return EXIT_FAILURE;
	return run(&options, &domains) ? EXIT_FAILURE : EXIT_SUCCESS;
}
