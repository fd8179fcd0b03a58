/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a domain to the networks that its SPF record lets send (RFC 7208, section 4.6), within the
 * limits of that RFC. The name service is behind a function; all else is pure.
 *
 * What depends on the message cannot be expanded: exists, ptr and macros. It is passed over with a
 * note, since the list is one of exceptions: a network that is missing there is limited like
 * others.
 */
#ifndef SPF_EXPAND_H
#define SPF_EXPAND_H

#include "spf_networks.h"
#include "spf_record.h"

/* Terms that ask the name service, in all records of a domain; answers that are empty; names of one
 * mx. */
#define SPF_LOOKUPS_MAX 10
#define SPF_VOID_MAX    2
#define SPF_MX_MAX      10

enum spf_type {
	SPF_TYPE_A,
	SPF_TYPE_AAAA,
	SPF_TYPE_MX,
	SPF_TYPE_TXT,
};

/* A: 4 bytes, AAAA: 16 bytes, MX: the name, TXT: its strings, joined. NUL behind all of them. */
struct spf_value {
	char *data;
	size_t size;
};

/* No values: there is no such name, or it has no such record. */
struct spf_answer {
	struct spf_value *values;
	size_t count;
};

void spf_answer_done(struct spf_answer *answer);

/* Copies a value in; 0 or -ENOMEM. */
int spf_answer_add(struct spf_answer *answer, const void *data, size_t size);

struct spf_resolver {
	/* 0, or -errno with a sentence where nobody knows the answer; the answer is to be released
	 * in either case. */
	int (*query)(void *context, const char *name, enum spf_type type,
		     struct spf_answer *ret_answer, const char **reterr_why);
	/* A line about what could not be taken over. */
	void (*note)(void *context, const char *line);
	void *context;
};

#define SPF_WHY_SIZE 600

/*
 * 0 and the settled networks of the domain; or -errno, and why it has none that can be used: the
 * name service failed, the record is wrong, over a limit, or lets everybody or nobody send.
 */
int spf_expand(const struct spf_resolver *resolver, const char *domain,
	       struct spf_networks *ret_networks, char reterr_why[static SPF_WHY_SIZE]);

#endif
