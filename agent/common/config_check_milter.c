/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits on headers that contradict each other or what Postfix shows a milter; whether Postfix
 * shows its messages to the milter, where a limit needs that; and whether a server that Postfix
 * names is one of ours.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config_audit.h"

static bool same_text(const char *a, size_t a_size, const char *b, size_t b_size)
{
	return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* inet:HOST:PORT in two. */
static bool inet_split(const char *text, size_t size, struct config_word *ret_host,
		       uint16_t *ret_port)
{
	static const char inet[] = "inet:";
	const size_t prefix_size = sizeof(inet) - 1;
	const char *colon;

	if (size <= prefix_size || memcmp(text, inet, prefix_size) != 0)
		return false;
	text += prefix_size;
	size -= prefix_size;
	colon = memrchr(text, ':', size);
	if (!colon)
		return false;
	*ret_host = (struct config_word){ text, (size_t)(colon - text), false };
	if (!config_port_parse(colon + 1, size - ret_host->size - 1, ret_port))
		return false;
	/* Brackets are part of the notation, of IPv4 addresses as well. */
	if (ret_host->size > 1 && text[0] == '[' && colon[-1] == ']')
		*ret_host = (struct config_word){ text + 1, ret_host->size - 2, false };
	if (ret_host->size == 0 ||
	    same_text(ret_host->text, ret_host->size, "localhost", strlen("localhost")))
		*ret_host = (struct config_word){ "127.0.0.1", strlen("127.0.0.1"), false };
	return true;
}

static bool is_wildcard(const struct config_word *host)
{
	return same_text(host->text, host->size, "0.0.0.0", strlen("0.0.0.0")) ||
	       same_text(host->text, host->size, "::", strlen("::"));
}

bool audit_endpoint_in_queue(const struct audit *audit, struct config_word *endpoint)
{
	static const char unix_prefix[] = "unix:";
	const struct config_setting *queue = audit_setting(audit, "queue_directory");
	const size_t cut = sizeof(unix_prefix) - 1 + queue->value.size;

	if (endpoint->size <= cut + 1 ||
	    memcmp(endpoint->text, unix_prefix, sizeof(unix_prefix) - 1) != 0 ||
	    memcmp(endpoint->text + sizeof(unix_prefix) - 1, queue->value.data,
		   queue->value.size) != 0 ||
	    endpoint->text[cut] != '/')
		return false;
	endpoint->text += cut + 1;
	endpoint->size -= cut + 1;
	return true;
}

/* unix:PATH, relative to the queue directory where Postfix says so. */
static bool same_socket(const struct audit *audit, const struct config_word *ours, const char *text,
			size_t size)
{
	static const char unix_prefix[] = "unix:";
	const size_t prefix_size = sizeof(unix_prefix) - 1;
	struct config_word inside = *ours;

	if (size <= prefix_size || memcmp(text, unix_prefix, prefix_size) != 0)
		return false;
	if (text[prefix_size] == '/' || !audit_endpoint_in_queue(audit, &inside))
		return same_text(ours->text, ours->size, text, size);
	return same_text(inside.text, inside.size, text + prefix_size, size - prefix_size);
}

bool audit_endpoint_listed(struct audit *audit, const char *name, const char *text, size_t size)
{
	const struct config_setting *listen = audit_setting(audit, name);
	const char *cursor = listen->value.data;
	struct config_word ours, host, our_host;
	uint16_t port, our_port;

	while (audit_word_next(audit, &cursor, listen->value.data + listen->value.size, &ours)) {
		if (same_socket(audit, &ours, text, size))
			return true;
		if (inet_split(text, size, &host, &port) &&
		    inet_split(ours.text, ours.size, &our_host, &our_port) && port == our_port &&
		    (is_wildcard(&our_host) ||
		     same_text(host.text, host.size, our_host.text, our_host.size)))
			return true;
	}
	return false;
}

static bool rejects_fields(const struct audit *audit)
{
	return audit->config->header_rejects;
}

/* A limit that nothing but the milter holds, where Postfix cuts fields at so many bytes. */
static const char *reason(const struct audit *audit, long postfix_limit)
{
	const long sees = postfix_limit < CONFIG_MILTER_SEES ? postfix_limit : CONFIG_MILTER_SEES;

	if (audit->config->header_count_limit > 0)
		return "header_count_limit";
	if (audit->config->header_total_size_limit > 0)
		return "header_total_size_limit";
	if (audit->config->header_size_limit >= sees)
		return NULL;
	return rejects_fields(audit) ? "header_size_action" : "header_size_limit";
}

static void blanks_drop(struct config_word *word)
{
	while (word->size > 0 && strchr(" \t\r\n", word->text[0])) {
		word->text++;
		word->size--;
	}
	while (word->size > 0 && strchr(" \t\r\n", word->text[word->size - 1]))
		word->size--;
}

/* Of name=value, or { name = value }, if that is the name: leaves the value. */
static bool option_value(struct config_word *word, const char *name)
{
	const char *cursor = word->text, *equals;
	struct config_word own;

	if (word->size > 0 && *word->text == '{' &&
	    !config_braces(&cursor, word->text + word->size, &word->text, &word->size))
		return false;
	equals = memchr(word->text, '=', word->size);
	if (!equals)
		return false;
	own = (struct config_word){ word->text, (size_t)(equals - word->text), false };
	word->size -= own.size + 1;
	word->text = equals + 1;
	blanks_drop(&own);
	blanks_drop(word);
	return same_text(own.text, own.size, name, strlen(name));
}

/* Whether an entry of smtpd_milters is ours; its own default_action, if it has one. */
static bool entry_is_ours(struct audit *audit, struct config_word entry, bool *ret_accepts)
{
	const char *cursor = entry.text, *end;
	struct config_word word;

	if (entry.size > 0 && *entry.text == '{' &&
	    !config_braces(&cursor, entry.text + entry.size, &entry.text, &entry.size))
		return false;
	cursor = entry.text;
	end = cursor + entry.size;
	if (!config_word_next(&cursor, end, &word) ||
	    !audit_endpoint_listed(audit, "milter_listen", word.text, word.size))
		return false;
	while (config_word_next(&cursor, end, &word)) {
		if (option_value(&word, "default_action"))
			*ret_accepts = same_text(word.text, word.size, "accept", strlen("accept"));
	}
	return true;
}

/* What is in main.cf is the same for all ports: it is said once. */
static const char *at(const struct config_origin *origin, const char *prefix)
{
	return origin->kind == CONFIG_FROM_MASTER_CF ? prefix : "";
}

/* The first entry of a list that is ours. */
static bool find_entry(struct audit *audit, const struct config_setting *milters, bool *ret_accepts)
{
	const char *cursor = milters->value.data;
	struct config_word entry;

	while (audit_word_next(audit, &cursor, milters->value.data + milters->value.size, &entry)) {
		bool accepts = *ret_accepts;

		if (!entry_is_ours(audit, entry, &accepts))
			continue;
		*ret_accepts = accepts;
		return true;
	}
	return false;
}

/* How the milter's entry has to look: its first listener, as Postfix wants it. */
static struct config_word entry_wanted(const struct audit *audit)
{
	const struct config_setting *listen = audit_setting(audit, "milter_listen");
	const char *cursor = listen->value.data;
	struct config_word word = { "", 0, false };

	(void)config_word_next(&cursor, listen->value.data + listen->value.size, &word);
	return word;
}

static void check_wired(struct audit *audit, const struct config_setting *milters,
			const char *prefix, bool accepts, long postfix_limit)
{
	const struct config_word wanted = entry_wanted(audit);

	if (!reason(audit, postfix_limit)) {
		warn_at(audit, &milters->origin, "smtpd_milters",
			"%snothing is left to the milter: header_size_limit is %u, and of a field "
			"it sees no more than %ld bytes",
			at(&milters->origin, prefix), audit->config->header_size_limit,
			postfix_limit < CONFIG_MILTER_SEES ? postfix_limit : CONFIG_MILTER_SEES);
		return;
	}
	if (!accepts)
		warn_at(audit, &milters->origin, "smtpd_milters",
			"%smail is refused while the milter is down; write smtpd_milters = "
			"{ %.*s, default_action=accept }",
			at(&milters->origin, prefix), (int)wanted.size, wanted.text);
	if (postfix_limit > CONFIG_MILTER_SEES)
		warn_at(audit, &milters->origin, "smtpd_milters",
			"%swith a milter attached Postfix itself cuts header fields at %d bytes "
			"instead of %ld; write header_size_limit = %d in main.cf if that is what "
			"you want",
			at(&milters->origin, prefix), CONFIG_MILTER_SEES, postfix_limit,
			CONFIG_MILTER_SEES);
}

static int check_port(struct audit *audit, const struct postfix_row *row, const char *prefix,
		      struct config_scope *scope)
{
	const struct config_setting *milters, *action;
	const struct config_origin main_cf = { CONFIG_FROM_MAIN_CF, 0, row->instance->main_cf };
	long postfix_limit = 0;
	bool accepts;
	int r = postfix_header_limit(&audit->loader, row->instance, &postfix_limit);

	if (r == 0)
		r = config_scope_value(&audit->loader, scope, "smtpd_milters", &milters);
	if (r == 0)
		r = config_scope_value(&audit->loader, scope, "milter_default_action", &action);
	if (r != 0)
		return r == -EINVAL ? 0 : r;
	accepts = strcmp(action->value.data, "accept") == 0;
	if (find_entry(audit, milters, &accepts)) {
		check_wired(audit, milters, prefix, accepts, postfix_limit);
	} else if (reason(audit, postfix_limit)) {
		const struct config_word wanted = entry_wanted(audit);

		warn_at(audit, milters->origin.line ? &milters->origin : &main_cf, "smtpd_milters",
			"%sPostfix does not show messages to the milter, which %s needs; write "
			"smtpd_milters = { %.*s, default_action=accept }",
			at(&milters->origin, prefix), reason(audit, postfix_limit),
			(int)wanted.size, wanted.text);
	}
	return 0;
}

/* A field over the limit that Postfix has cut before may come back below the limit: it prefers to
 * cut at a line's end, in the last tenth. */
static void check_rejection(const struct audit *audit, long sees)
{
	const long limit = audit->config->header_size_limit;

	if (!rejects_fields(audit))
		return;
	if (limit >= sees)
		warn(audit, "header_size_action",
		     "reject refuses nothing for its length: header_size_limit is %ld, and Postfix "
		     "cuts fields at %ld bytes before a milter sees them; write a "
		     "header_size_limit "
		     "of at most %ld",
		     limit, sees, sees / 10 * 9);
	else if (limit > sees / 10 * 9)
		warn(audit, "header_size_limit",
		     "%ld: of longer fields Postfix leaves between %ld and %ld bytes before a "
		     "milter "
		     "sees them, so that some are not refused; write at most %ld",
		     limit, sees / 10 * 9, sees, sees / 10 * 9);
}

/* To cut fields where Postfix has already cut them is nothing. */
static void check_truncation(const struct audit *audit, long sees)
{
	const long limit = audit->config->header_size_limit;

	if (!rejects_fields(audit) && limit >= sees &&
	    audit_setting(audit, "header_size_limit")->origin.kind == CONFIG_FROM_FILE)
		warn(audit, "header_size_limit",
		     "%ld cuts nothing: Postfix cuts fields at %ld bytes before a milter sees "
		     "them; write a smaller one, or none",
		     limit, sees);
}

static void check_contradictions(const struct audit *audit)
{
	const long field = audit->config->header_size_limit;
	const long total = audit->config->header_total_size_limit;
	const long message = audit_number(audit, "message_size_limit");

	if (total > 0 && total < field &&
	    (field < CONFIG_MILTER_SEES ||
	     audit_setting(audit, "header_size_limit")->origin.kind == CONFIG_FROM_FILE))
		warn(audit, "header_total_size_limit",
		     "%ld is less than header_size_limit (%ld): a single field within that limit "
		     "is "
		     "refused",
		     total, field);
	if (total > 0 && message > 0 && total > message)
		warn(audit, "header_total_size_limit",
		     "%ld is more than message_size_limit (%ld): no message reaches it", total,
		     message);
}

static int check_ports(struct audit *audit, const struct postfix *postfix)
{
	int r = 0;

	for (size_t i = 0; i < audit->config->service_count && r == 0; i++) {
		const struct postfix_row *row = &postfix->rows[i];
		struct config_scope *scope;
		char prefix[PREFIX_TEXT_SIZE + 16]; /* "587: " */

		if (!row->owner)
			continue;
		scope = config_scope_new(audit->config->values, SCOPE_POSTFIX, row->instance,
					 row->smtpd);
		if (!scope)
			return -ENOMEM;
		(void)snprintf(prefix, sizeof(prefix), "%s: ", audit->config->services[i].label);
		r = check_port(audit, row, prefix, scope);
		config_scope_free(scope);
	}
	return r;
}

int audit_milter(struct audit *audit)
{
	const struct postfix *postfix = audit->config->values->postfix;
	long sees = 0;
	int r;

	if (config_milter_off(audit->config))
		return 0;
	r = config_milter_sees(&audit->loader, &sees);
	if (r < 0)
		return r;
	check_rejection(audit, sees);
	check_truncation(audit, sees);
	check_contradictions(audit);
	return postfix ? check_ports(audit, postfix) : 0;
}
