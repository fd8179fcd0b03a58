/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of senders that is read, and the cidr table that is written. No name service here.
 */
#ifndef SPF_LIST_H
#define SPF_LIST_H

#include <stdio.h>

#include "spf_networks.h"
#include "spf_record.h"

/* More would be more than exceptions; it also bounds how long a run takes. */
#define SPF_DOMAINS_MAX 1000

struct spf_domains {
	char (*names)[SPF_NAME_SIZE];
	size_t count;
};

void spf_domains_done(struct spf_domains *domains);

/* -EEXIST for one that is there, -EINVAL for what is no domain, -E2BIG, -ENOMEM. */
int spf_domains_add(struct spf_domains *domains, const char *text, size_t size);

/*
 * One domain a line; "#" begins a comment, blanks do not matter. Returns 0, or -errno with the
 * number of the line, 0 where it is none of a line's. A domain that stands there twice counts once.
 */
int spf_domains_read(FILE *stream, struct spf_domains *domains, unsigned *reterr_line);

/* The rules of one domain, as Postfix' cidr tables have them. */
void spf_rules_print(FILE *stream, const char *domain, const struct spf_networks *networks);

/* Behind the file's name while the next one is written; one that is left there is removed. */
#define SPF_NEW_SUFFIX ".new"

/*
 * Makes the file hold just this text, at once or not at all; what is read meanwhile is the old one.
 * 1: it did already, and nothing was written. 0 or -errno; -ELOOP: there is a symbolic link,
 * -EINVAL: there is something else that is no file; -EBUSY: another run writes in the same
 * directory.
 */
int spf_file_replace(const char *path, const char *text, size_t size);

#endif
