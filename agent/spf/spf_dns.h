/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name service, through libunbound: one question at a time, each answered by a deadline that
 * holds for all of them.
 */
#ifndef SPF_DNS_H
#define SPF_DNS_H

#include "mono.h"
#include "spf_expand.h"

struct spf_dns;

/*
 * server is ADDRESS or ADDRESS@PORT; NULL: those of /etc/resolv.conf. 0; -EINVAL where server is no
 * such thing or resolv.conf cannot be read; -ENOMEM.
 */
int spf_dns_new(const char *server, struct mono_ms deadline, struct spf_dns **ret_dns);

/* Accepts NULL. Returns NULL. */
struct spf_dns *spf_dns_free(struct spf_dns *dns);

/* As spf_resolver.query; context is the struct spf_dns. */
int spf_dns_query(void *context, const char *name, enum spf_type type,
		  struct spf_answer *ret_answer, const char **reterr_why);

/*
 * One record's data as it stands in a message -> a value; 0, -EINVAL where it is no such record,
 * -ENOMEM. Pure.
 */
int spf_dns_decode(enum spf_type type, const char *data, size_t size, struct spf_answer *answer);

#endif
