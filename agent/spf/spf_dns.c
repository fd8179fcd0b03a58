/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spf_dns.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#include "cleanup.h"

#define CLASS_IN       1
#define RCODE_NOERROR  0
#define RCODE_NXDOMAIN 3
#define MX_HEADER      2 /* its preference */

static const struct {
	int number;
	size_t size; /* of its data; 0: any */
} types[] = {
	[SPF_TYPE_A] = { 1, 4 },
	[SPF_TYPE_AAAA] = { 28, 16 },
	[SPF_TYPE_MX] = { 15, 0 },
	[SPF_TYPE_TXT] = { 16, 0 },
};

struct spf_dns {
	struct ub_ctx *unbound;
	struct mono_ms deadline;
};

/* What comes back, with the loop that waits for it. */
struct reply {
	struct ub_result *result;
	bool done;
};

/* Strings of up to 255 bytes, each behind its length: RFC 7208 joins them without a blank. */
static int decode_text(const char *data, size_t size, struct spf_answer *answer)
{
	_cleanup_free_ char *text = malloc(size + 1);
	size_t used = 0;

	if (!text)
		return -ENOMEM;
	while (size) {
		const size_t length = (unsigned char)*data;

		data++;
		size--;
		if (length > size)
			return -EINVAL;
		memcpy(text + used, data, length);
		used += length;
		data += length;
		size -= length;
	}
	return spf_answer_add(answer, text, used);
}

/* Labels, each behind its length; libunbound has resolved compression. */
static int decode_name(const char *data, size_t size, struct spf_answer *answer)
{
	char name[SPF_NAME_SIZE + 1];
	size_t used = 0;

	while (size) {
		const size_t length = (unsigned char)*data;

		data++;
		size--;
		if (!length)
			return size ? -EINVAL
				    : spf_answer_add(answer, used ? name : ".", used ? used : 1);
		if (length > 63 || length > size || used + length + 1 >= sizeof(name))
			return -EINVAL;
		if (used)
			name[used++] = '.';
		memcpy(name + used, data, length);
		used += length;
		data += length;
		size -= length;
	}
	return -EINVAL;
}

int spf_dns_decode(enum spf_type type, const char *data, size_t size, struct spf_answer *answer)
{
	switch (type) {
	case SPF_TYPE_A:
	case SPF_TYPE_AAAA:
		return size == types[type].size ? spf_answer_add(answer, data, size) : -EINVAL;
	case SPF_TYPE_MX:
		return size > MX_HEADER ? decode_name(data + MX_HEADER, size - MX_HEADER, answer)
					: -EINVAL;
	case SPF_TYPE_TXT:
		return decode_text(data, size, answer);
	}
	return -EINVAL;
}

static void arrived(void *context, int error, struct ub_result *result)
{
	struct reply *reply = context;

	reply->result = error ? NULL : result;
	reply->done = true;
}

/* Waits until the reply has come, or the deadline is there; false: it has not. */
static bool wait_for(const struct spf_dns *dns, const struct reply *reply)
{
	while (!reply->done) {
		struct pollfd fd = { .fd = ub_fd(dns->unbound), .events = POLLIN };
		const uint64_t now = mono_now().ms;

		if (now >= dns->deadline.ms)
			return false;
		if (poll(&fd, 1, (int)(dns->deadline.ms - now)) < 0 && errno != EINTR)
			return false;
		if (ub_process(dns->unbound))
			return false;
	}
	return true;
}

static void result_cleanup(struct reply *reply)
{
	ub_resolve_free(reply->result);
}

int spf_dns_query(void *context, const char *name, enum spf_type type,
		  struct spf_answer *ret_answer, const char **reterr_why)
{
	const struct spf_dns *dns = context;
	_cleanup_(result_cleanup) struct reply reply = { 0 };
	int id = 0, error = 0;

	*reterr_why = "the name service does not answer in time";
	if (ub_resolve_async(dns->unbound, name, types[type].number, CLASS_IN, &reply, arrived,
			     &id))
		return -EIO;
	if (!wait_for(dns, &reply)) {
		/* After this nobody writes to reply any more. */
		(void)ub_cancel(dns->unbound, id);
		return -ETIMEDOUT;
	}
	*reterr_why = "the name service failed";
	if (!reply.result || reply.result->bogus)
		return -EIO;
	if (reply.result->rcode == RCODE_NXDOMAIN)
		return 0;
	if (reply.result->rcode != RCODE_NOERROR)
		return -EIO;
	*reterr_why = "the answer of the name service cannot be read";
	for (size_t i = 0; !error && reply.result->data && reply.result->data[i]; i++)
		error = reply.result->len[i] < 0
				? -EINVAL
				: spf_dns_decode(type, reply.result->data[i],
						 (size_t)reply.result->len[i], ret_answer);
	return error;
}

static void dns_cleanup(struct spf_dns **dns)
{
	(void)spf_dns_free(*dns);
}

int spf_dns_new(const char *server, struct mono_ms deadline, struct spf_dns **ret_dns)
{
	_cleanup_(dns_cleanup) struct spf_dns *dns = calloc(1, sizeof(*dns));

	if (!dns)
		return -ENOMEM;
	dns->deadline = deadline;
	dns->unbound = ub_ctx_create();
	if (!dns->unbound)
		return -ENOMEM;
	/* A thread, not a process; and name servers on this host are the usual case. */
	if (ub_ctx_async(dns->unbound, 1) ||
	    ub_ctx_set_option(dns->unbound, "do-not-query-localhost:", "no"))
		return -ENOMEM;
	if (server ? ub_ctx_set_fwd(dns->unbound, server) : ub_ctx_resolvconf(dns->unbound, NULL))
		return -EINVAL;
	*ret_dns = TAKE_PTR(dns);
	return 0;
}

struct spf_dns *spf_dns_free(struct spf_dns *dns)
{
	if (!dns)
		return NULL;
	ub_ctx_delete(dns->unbound);
	free(dns);
	return NULL;
}
