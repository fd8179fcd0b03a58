/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One SPF record (RFC 7208, section 12) term by term. Pure: asks nobody, keeps nothing. As strict
 * as the RFC: a record with one wrong term has no meaning at all.
 */
#ifndef SPF_RECORD_H
#define SPF_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "prefix.h"

/* A host name with its terminating NUL, without a trailing dot. */
#define SPF_NAME_SIZE 254

/* What is longer is no record that anybody could publish in 64 KB of DNS. */
#define SPF_RECORD_MAX 65535

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP, /* ip4 and ip6 */
	SPF_EXISTS,
	SPF_REDIRECT,
	SPF_MODIFIER, /* exp, and any other that may be passed over */
};

struct spf_term {
	enum spf_kind kind;
	char qualifier;             /* + - ? ~ */
	bool macro;                 /* the domain has macros: what it is depends on the message */
	char domain[SPF_NAME_SIZE]; /* "": the domain of the record itself */
	struct prefix network;      /* of SPF_IP; host bits are cleared, as receivers do */
	uint8_t ipv4_length;        /* of SPF_A and SPF_MX: 0 to 32 */
	uint8_t ipv6_length;        /* 0 to 128 */
};

/* Where in a record a reader is. */
struct spf_reader {
	const char *text; /* borrowed; not NUL-terminated */
	size_t size;
};

/* Whether a TXT record is an SPF record: "v=spf1", alone or with a blank behind it. */
bool spf_record_is(const char *text, size_t size);

/* Begins behind the version. */
void spf_record_begin(struct spf_reader *reader, const char *text, size_t size);

/* 1: *ret_term is the next one; 0: there is none; -EINVAL: the record is wrong there, and
 * *reterr_why a static sentence. */
int spf_record_next(struct spf_reader *reader, struct spf_term *ret_term, const char **reterr_why);

/* Reads a host name: labels of letters, digits, "-" and "_", at least two of them; a dot at the end
 * is dropped. 0 or -EINVAL. */
int spf_name_parse(const char *text, size_t size, char ret_name[static SPF_NAME_SIZE]);

#endif
