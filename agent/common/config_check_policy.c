/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether Postfix asks the policy service: at the end of DATA and of the message, once each, by the
 * same text, and so that mail goes on while the agent is down.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "config_audit.h"
#include "config_lines.h"

/* A restriction class may name classes. */
#define CLASS_DEPTH_MAX 5

static const char *const right_lists[] = { "smtpd_data_restrictions",
					   "smtpd_end_of_data_restrictions" };
static const char *const wrong_lists[] = {
	"smtpd_client_restrictions", "smtpd_helo_restrictions",      "smtpd_sender_restrictions",
	"smtpd_relay_restrictions",  "smtpd_recipient_restrictions", "smtpd_etrn_restrictions",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* How often a list asks the service, and how it does so first. */
struct use {
	unsigned count;
	const char *text;
	size_t size;
	struct config_origin origin; /* of the list */
	bool decided;                /* by "permit": Postfix looks at nothing behind it */
	bool behind;                 /* and the service stands there */
};

struct port {
	struct audit *audit;
	char label[PREFIX_TEXT_SIZE + 16]; /* "587: " */
	const struct postfix_instance *instance;
	const struct postfix_service *smtpd;
	struct config_scope *scope;
	char line[200]; /* the right one */
};

/* What is in main.cf is the same for all ports: it is said once. */
static const char *at(const struct port *port, const struct config_origin *origin)
{
	return origin->kind == CONFIG_FROM_MASTER_CF ? port->label : "";
}

static bool is_word(const struct config_word *word, const char *text)
{
	return word->size == strlen(text) && strncasecmp(word->text, text, word->size) == 0;
}

/* The inside of { ... }, or the word itself. */
static struct config_word unwrap(struct config_word word)
{
	const char *cursor = word.text;

	if (word.size > 0 && *word.text == '{')
		(void)config_braces(&cursor, word.text + word.size, &word.text, &word.size);
	return word;
}

/* The server that an argument of check_policy_service names. */
static bool names_us(const struct port *port, struct config_word argument)
{
	struct config_word inside = unwrap(argument), server;
	const char *cursor = inside.text;

	return config_word_next(&cursor, inside.text + inside.size, &server) &&
	       audit_endpoint_listed(port->audit, "policy_listen", server.text, server.size);
}

static bool is_class(struct audit *audit, const struct config_setting *classes,
		     const struct config_word *word)
{
	const char *cursor = classes->value.data;
	struct config_word known;

	while (audit_word_next(audit, &cursor, classes->value.data + classes->value.size, &known)) {
		if (known.size == word->size && memcmp(known.text, word->text, word->size) == 0)
			return true;
	}
	return false;
}

static int list_look(const struct port *port, const char *name, unsigned depth, struct use *use);

/* A restriction class asks as if its list stood there. */
static int class_look(const struct port *port, const struct config_word *word, unsigned depth,
		      struct use *use)
{
	const struct config_setting *classes;
	_cleanup_free_ char *name = NULL;
	const struct config_origin origin = use->origin;
	int r = config_scope_value(&port->audit->loader, port->scope, "smtpd_restriction_classes",
				   &classes);

	if (r < 0 || depth == CLASS_DEPTH_MAX || !is_class(port->audit, classes, word))
		return r;
	name = strndup(word->text, word->size);
	if (!name)
		return -ENOMEM;
	if (!config_scope_find(port->scope, name, word->size))
		return 0;
	r = list_look(port, name, depth + 1, use);
	use->origin = origin;
	return r;
}

static int list_look(const struct port *port, const char *name, unsigned depth, struct use *use)
{
	const struct config_setting *list;
	struct config_word word, argument;
	const char *cursor, *end;
	int r = config_scope_value(&port->audit->loader, port->scope, name, &list);

	if (r < 0)
		return r;
	use->origin = list->origin;
	cursor = list->value.data;
	end = cursor + list->value.size;
	while (r == 0 && audit_word_next(port->audit, &cursor, end, &word)) {
		use->decided = use->decided || is_word(&word, "permit");
		if (!is_word(&word, "check_policy_service")) {
			r = class_look(port, &word, depth, use);
			continue;
		}
		if (!config_word_next(&cursor, end, &argument) || !names_us(port, argument))
			continue;
		use->behind = use->behind || use->decided;
		if (use->decided)
			continue;
		if (use->count++ == 0) {
			use->text = argument.text;
			use->size = argument.size;
		}
	}
	return r;
}

/* smtpd connects from inside its chroot, where a path from the root is another one. */
static void check_chroot(const struct port *port, const struct use *use, const char *list,
			 const struct config_word *server)
{
	static const char absolute[] = "unix:/";

	if (port->smtpd && port->smtpd->chrooted && server->size >= sizeof(absolute) - 1 &&
	    memcmp(server->text, absolute, sizeof(absolute) - 1) == 0)
		warn_at(port->audit, &use->origin, list,
			"smtpd runs chrooted (%s:%u) and finds no %.*s: put the socket into the "
			"queue directory and write its path from there, or listen at "
			"inet:127.0.0.1:10725",
			port->smtpd->origin.file, port->smtpd->origin.line, (int)server->size,
			server->text);
}

static int check_use(const struct port *port, const struct use *use, const char *list)
{
	struct config_word inside, server;
	const char *cursor;

	if (use->behind)
		warn_at(port->audit, &use->origin, list,
			"%s\"permit\" ends the list before the policy service is asked; write "
			"%s = %s before it",
			at(port, &use->origin), list, port->line);
	if (use->count == 0)
		return 0;
	if (use->count > 1)
		warn_at(port->audit, &use->origin, list,
			"%sthe policy service is asked %u times where once is enough: %s",
			at(port, &use->origin), use->count, port->line);
	inside = unwrap((struct config_word){ use->text, use->size, false });
	cursor = inside.text;
	if (config_word_next(&cursor, inside.text + inside.size, &server))
		check_chroot(port, use, list, &server);
	return audit_policy_options(&(const struct policy_options){
		.audit = port->audit,
		.scope = port->scope,
		.origin = &use->origin,
		.list = list,
		.line = port->line,
		.inside = inside,
	});
}

static int check_wrong(const struct port *port, bool *ret_any)
{
	int r = 0;

	for (size_t i = 0; i < COUNT(wrong_lists) && r == 0; i++) {
		struct use use = { 0 };

		r = list_look(port, wrong_lists[i], 0, &use);
		if (r < 0 || use.count == 0)
			continue;
		*ret_any = true;
		warn_at(port->audit, &use.origin, wrong_lists[i],
			"%sthe policy service is asked before the message is there, when its "
			"size is only what the client declares; write smtpd_data_restrictions = %s "
			"and the same for "
			"smtpd_end_of_data_restrictions",
			at(port, &use.origin), port->line);
	}
	return r;
}

static void check_right(const struct port *port, const struct use *uses, bool elsewhere)
{
	const struct config_origin main_cf = { CONFIG_FROM_MAIN_CF, 0, port->instance->main_cf };
	const unsigned asked = (uses[0].count > 0) + (uses[1].count > 0);
	const bool unknown = uses[0].behind || uses[1].behind || port->audit->words_left == 0;
	const struct use *missing = &uses[uses[0].count > 0];

	const struct config_origin *lists =
		uses[0].origin.kind == CONFIG_FROM_MASTER_CF ? &uses[0].origin : &main_cf;

	if (asked == 0 && !elsewhere && !unknown)
		warn_at(port->audit, lists, right_lists[0],
			"%sPostfix does not ask the policy service; write "
			"smtpd_data_restrictions = %s and smtpd_end_of_data_restrictions = %s (or "
			"policy_listen = with nothing behind it in %s)",
			at(port, lists), port->line, port->line, port->audit->config->file);
	if (asked == 1 && !unknown)
		warn_at(port->audit, missing->origin.line ? &missing->origin : &main_cf,
			right_lists[missing - uses],
			"%sthe policy service is asked in %s only; write %s = %s, too",
			at(port, &missing->origin), right_lists[1 - (missing - uses)],
			right_lists[missing - uses], port->line);
	if (asked == 2 &&
	    (uses[0].size != uses[1].size || memcmp(uses[0].text, uses[1].text, uses[0].size) != 0))
		warn_at(port->audit, &uses[1].origin, right_lists[1],
			"%sthe policy service is named otherwise than in %s, so Postfix opens a "
			"second connection to it; write %s in both",
			at(port, &uses[1].origin), right_lists[0], port->line);
}

static int check_port(const struct port *port)
{
	struct use uses[COUNT(right_lists)] = { 0 };
	bool elsewhere = false;
	int r = check_wrong(port, &elsewhere);

	for (size_t i = 0; i < COUNT(right_lists) && r == 0; i++) {
		r = list_look(port, right_lists[i], 0, &uses[i]);
		if (r == 0)
			r = check_use(port, &uses[i], right_lists[i]);
	}
	if (r == 0)
		check_right(port, uses, elsewhere);
	return r == -EINVAL ? 0 : r;
}

/* The first listener stands in what we propose. */
static bool line_make(struct port *port)
{
	const struct config_setting *listen = audit_setting(port->audit, "policy_listen");
	const char *cursor = listen->value.data;
	struct config_word word;
	const char *shown;

	if (!config_word_next(&cursor, cursor + listen->value.size, &word))
		return false;
	shown = audit_endpoint_in_queue(port->audit, &word) ? "unix:" : "";
	(void)snprintf(
		port->line, sizeof(port->line),
		"check_policy_service { %s%.*s, timeout=3s, try_limit=1, default_action=DUNNO }",
		shown, (int)word.size, word.text);
	return true;
}

int audit_policy(struct audit *audit)
{
	const struct postfix *postfix = audit->config->values->postfix;
	int r = 0;

	for (size_t i = 0; postfix && i < audit->config->service_count && r == 0; i++) {
		const struct postfix_row *row = &postfix->rows[i];
		struct port port = { .audit = audit,
				     .instance = row->instance,
				     .smtpd = row->smtpd };

		if (!row->owner || !line_make(&port))
			continue;
		(void)snprintf(port.label, sizeof(port.label),
			       "%s: ", audit->config->services[i].label);
		port.scope = config_scope_new(audit->config->values, SCOPE_POSTFIX, row->instance,
					      row->smtpd);
		r = port.scope ? check_port(&port) : -ENOMEM;
		config_scope_free(port.scope);
	}
	return r;
}
