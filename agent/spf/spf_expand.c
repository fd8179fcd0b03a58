/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Record by record, depth first. Each level costs a look-up, so the limit on these bounds the
 * depth, and loops end.
 */
#include "spf_expand.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define IPV4_OFFSET 96

struct expansion {
	const struct spf_resolver *resolver;
	struct spf_networks *networks;
	unsigned lookups;
	unsigned voids;
	char *why; /* SPF_WHY_SIZE bytes */
};

static int expand_domain(struct expansion *expansion, const char *domain);

int spf_answer_add(struct spf_answer *answer, const void *data, size_t size)
{
	struct spf_value *values = reallocarray(answer->values, answer->count + 1, sizeof(*values));
	char *copy;

	if (!values)
		return -ENOMEM;
	answer->values = values;
	copy = malloc(size + 1);
	if (!copy)
		return -ENOMEM;
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	values[answer->count++] = (struct spf_value){ copy, size };
	return 0;
}

void spf_answer_done(struct spf_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		free(answer->values[i].data);
	free(answer->values);
	*answer = (struct spf_answer){ 0 };
}

__attribute__((format(printf, 3, 4))) static int refuse(struct expansion *expansion, int error,
							const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(expansion->why, SPF_WHY_SIZE, format, arguments);
	va_end(arguments);
	return error;
}

__attribute__((format(printf, 2, 3))) static void note(struct expansion *expansion,
						       const char *format, ...)
{
	char line[SPF_WHY_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	expansion->resolver->note(expansion->resolver->context, line);
}

static int ask(struct expansion *expansion, const char *name, enum spf_type type,
	       struct spf_answer *answer)
{
	const char *why = "out of memory";
	const int error =
		expansion->resolver->query(expansion->resolver->context, name, type, answer, &why);

	return error ? refuse(expansion, error, "%s: %s", name, why) : 0;
}

/* A term that asks; all of them together are bounded. */
static int count_lookup(struct expansion *expansion, const char *domain)
{
	if (expansion->lookups == SPF_LOOKUPS_MAX)
		return refuse(expansion, -E2BIG, "%s: more than %d look-ups (RFC 7208, 4.6.4)",
			      domain, SPF_LOOKUPS_MAX);
	expansion->lookups++;
	return 0;
}

static int count_void(struct expansion *expansion, const char *name)
{
	if (expansion->voids == SPF_VOID_MAX)
		return refuse(expansion, -E2BIG,
			      "%s: more than %d look-ups without an answer (RFC 7208, 4.6.4)", name,
			      SPF_VOID_MAX);
	expansion->voids++;
	return 0;
}

static int add(struct expansion *expansion, const struct prefix *network)
{
	const int error = spf_networks_add(expansion->networks, network);

	return error ? refuse(expansion, error, "more than %d networks, or out of memory",
			      SPF_NETWORKS_MAX)
		     : 0;
}

static int add_addresses(struct expansion *expansion, const struct spf_answer *answer,
			 uint8_t length)
{
	int error = 0;

	for (size_t i = 0; !error && i < answer->count; i++) {
		uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };
		const size_t size = answer->values[i].size;
		struct sa_address address;
		struct prefix network;

		memcpy(bytes + sizeof(bytes) - size, answer->values[i].data, size);
		memcpy(&address, bytes, sizeof(address));
		prefix_of(&address, (uint8_t)(size == 4 ? length + IPV4_OFFSET : length), &network);
		error = add(expansion, &network);
	}
	return error;
}

/* All addresses of a name, of both families; *ret_found says whether it has any. */
static int take_host(struct expansion *expansion, const char *name, const struct spf_term *term,
		     bool *ret_found)
{
	_cleanup_(spf_answer_done) struct spf_answer ipv4 = { 0 };
	_cleanup_(spf_answer_done) struct spf_answer ipv6 = { 0 };
	int error = ask(expansion, name, SPF_TYPE_A, &ipv4);

	if (!error)
		error = ask(expansion, name, SPF_TYPE_AAAA, &ipv6);
	if (!error)
		error = add_addresses(expansion, &ipv4, term->ipv4_length);
	if (!error)
		error = add_addresses(expansion, &ipv6, term->ipv6_length);
	*ret_found = ipv4.count || ipv6.count;
	return error;
}

static int take_a(struct expansion *expansion, const char *name, const struct spf_term *term)
{
	bool found = false;
	const int error = take_host(expansion, name, term, &found);

	return error || found ? error : count_void(expansion, name);
}

static int take_mx(struct expansion *expansion, const char *name, const struct spf_term *term)
{
	_cleanup_(spf_answer_done) struct spf_answer answer = { 0 };
	int error = ask(expansion, name, SPF_TYPE_MX, &answer);

	if (error)
		return error;
	if (!answer.count)
		return count_void(expansion, name);
	if (answer.count > SPF_MX_MAX)
		return refuse(expansion, -E2BIG, "%s: more than %d mail hosts (RFC 7208, 4.6.4)",
			      name, SPF_MX_MAX);
	for (size_t i = 0; !error && i < answer.count; i++) {
		char host[SPF_NAME_SIZE];
		bool found;

		/* "." is the null MX of RFC 7505. */
		if (spf_name_parse(answer.values[i].data, answer.values[i].size, host))
			continue;
		error = take_host(expansion, host, term, &found);
	}
	return error;
}

static int take_mechanism(struct expansion *expansion, const char *domain,
			  const struct spf_term *term)
{
	static const char *const names[] = {
		[SPF_PTR] = "ptr",   [SPF_EXISTS] = "exists", [SPF_INCLUDE] = "include",
		[SPF_A] = "a",       [SPF_MX] = "mx",         [SPF_IP] = "ip4 or ip6",
		[SPF_MODIFIER] = "", [SPF_ALL] = "all",       [SPF_REDIRECT] = "redirect",
	};
	const char *name = *term->domain ? term->domain : domain;
	int error = term->kind == SPF_IP ? 0 : count_lookup(expansion, domain);

	if (error)
		return error;
	if (term->qualifier != '+') {
		/* Others than "-" say nothing about who may send. */
		if (term->qualifier == '-')
			note(expansion, "%s: -%s is not taken over: what it excludes may be listed",
			     domain, names[term->kind]);
		return 0;
	}
	if (term->kind == SPF_PTR || term->kind == SPF_EXISTS || term->macro) {
		note(expansion, "%s: %s%s depends on the message and is not taken over", domain,
		     names[term->kind], term->macro ? " with a macro" : "");
		return 0;
	}
	if (term->kind == SPF_IP)
		return add(expansion, &term->network);
	if (term->kind == SPF_A)
		return take_a(expansion, name, term);
	if (term->kind == SPF_MX)
		return take_mx(expansion, name, term);
	return expand_domain(expansion, name);
}

/* The record is right as a whole before any of it counts; what it redirects to is found on the way.
 */
static int verify(struct expansion *expansion, const char *domain, const struct spf_value *record,
		  struct spf_term *ret_redirect, bool *ret_redirects)
{
	struct spf_reader reader;
	struct spf_term term;
	const char *why = "";
	bool all = false;
	int more;

	*ret_redirects = false;
	spf_record_begin(&reader, record->data, record->size);
	while ((more = spf_record_next(&reader, &term, &why)) > 0) {
		if (term.kind == SPF_REDIRECT && *ret_redirects)
			return refuse(expansion, -EINVAL, "%s: two times redirect=", domain);
		if (term.kind == SPF_REDIRECT) {
			*ret_redirect = term;
			*ret_redirects = true;
		}
		if (term.kind == SPF_ALL && !all) {
			all = true;
			if (term.qualifier == '+')
				return refuse(expansion, -ERANGE,
					      "%s: the record lets everybody send (all)", domain);
		}
	}
	/* Where there is an all, nothing is left to redirect. */
	*ret_redirects = *ret_redirects && !all;
	return more ? refuse(expansion, more, "%s: wrong SPF record: %s", domain, why) : 0;
}

static int take_record(struct expansion *expansion, const char *domain,
		       const struct spf_value *record)
{
	struct spf_reader reader;
	struct spf_term term, redirect;
	const char *why;
	bool redirects;
	int error = verify(expansion, domain, record, &redirect, &redirects);

	spf_record_begin(&reader, record->data, record->size);
	while (!error && spf_record_next(&reader, &term, &why) > 0) {
		if (term.kind == SPF_ALL)
			break;
		if (term.kind != SPF_REDIRECT && term.kind != SPF_MODIFIER)
			error = take_mechanism(expansion, domain, &term);
	}
	return error || !redirects ? error : take_mechanism(expansion, domain, &redirect);
}

static int expand_domain(struct expansion *expansion, const char *domain)
{
	_cleanup_(spf_answer_done) struct spf_answer answer = { 0 };
	const struct spf_value *record = NULL;
	const int error = ask(expansion, domain, SPF_TYPE_TXT, &answer);

	if (error)
		return error;
	for (size_t i = 0; i < answer.count; i++) {
		if (!spf_record_is(answer.values[i].data, answer.values[i].size))
			continue;
		if (record)
			return refuse(expansion, -EINVAL, "%s: more than one SPF record", domain);
		record = &answer.values[i];
	}
	if (!record)
		return refuse(expansion, -ENOENT, "%s: no SPF record", domain);
	return take_record(expansion, domain, record);
}

int spf_expand(const struct spf_resolver *resolver, const char *domain,
	       struct spf_networks *ret_networks, char reterr_why[static SPF_WHY_SIZE])
{
	struct spf_networks networks = { 0 };
	struct expansion expansion = { .resolver = resolver,
				       .networks = &networks,
				       .why = reterr_why };
	int error = expand_domain(&expansion, domain);

	spf_networks_settle(&networks);
	if (!error && !networks.count)
		error = refuse(&expansion, -ENOENT,
			       "%s: the record names no network that can be "
			       "listed",
			       domain);
	if (!error) {
		const struct prefix *network;
		const char *absurd = spf_networks_absurd(&networks, &network);
		char text[PREFIX_TEXT_SIZE] = "all together";

		if (absurd && network)
			prefix_format(network, text);
		if (absurd)
			error = refuse(&expansion, -ERANGE, "%s: %s is %s", domain, text, absurd);
	}
	if (error) {
		spf_networks_done(&networks);
		return error;
	}
	*ret_networks = networks;
	return 0;
}
