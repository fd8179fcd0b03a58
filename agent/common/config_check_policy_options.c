/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How Postfix asks the policy service: whether it understands the options itself, and whether mail
 * goes on while the agent is down.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "config_audit.h"
#include "config_lines.h"
#include "parse.h"

/* Seconds that one message may wait for an agent that does not answer. */
#define WAIT_MAX 10

enum kind { TEXT, NUMBER, TIME };

/* All that smtpd(8) knows; their least values are Postfix' own. */
static const struct known {
	const char *name;
	enum kind kind;
	long least;
} known_options[] = {
	{ "timeout", TIME, 1 },        { "try_limit", NUMBER, 1 },
	{ "retry_delay", TIME, 1 },    { "max_idle", TIME, 1 },
	{ "max_ttl", TIME, 1 },        { "request_limit", NUMBER, 0 },
	{ "default_action", TEXT, 0 }, { "policy_context", TEXT, 0 },
};

static const struct known *known_find(const char *name)
{
	for (size_t i = 0; i < sizeof(known_options) / sizeof(known_options[0]); i++) {
		if (strcmp(known_options[i].name, name) == 0)
			return &known_options[i];
	}
	return NULL;
}

static bool number_of(const struct known *known, const char *text, long *ret_number)
{
	int seconds = 0;

	*ret_number = 0;
	if (known->kind == NUMBER)
		return parse_long(text, ret_number) == 0 && *ret_number >= known->least &&
		       *ret_number <= INT_MAX;
	if (parse_time(text, 's', &seconds) < 0 || seconds < known->least)
		return false;
	*ret_number = seconds;
	return true;
}

/* name=value, with braces of its own where there are blanks in it. The caller frees *ret_copy. */
static int option_split(const struct config_word *word, char **ret_copy, char **ret_value,
			bool *ret_valid)
{
	struct config_word inside = *word;
	const char *cursor = word->text;

	if (word->size > 0 && *word->text == '{')
		(void)config_braces(&cursor, word->text + word->size, &inside.text, &inside.size);
	*ret_copy = strndup(inside.text, inside.size);
	if (!*ret_copy)
		return -ENOMEM;
	*ret_valid = config_assignment_split(*ret_copy, ret_value) == NULL;
	return 0;
}

static void refuse(const struct policy_options *o, const char *text, size_t size)
{
	warn_at(o->audit, o->origin, o->list,
		CONFIG_QUOTED " is no option that Postfix understands: its smtpd does not start, "
			      "and no mail comes in; write %s",
		config_quoted(text, size), o->line);
}

/* Whether Postfix takes the options; the first that it does not take is reported. */
static int check_syntax(const struct policy_options *o, bool *ret_good)
{
	const char *cursor = o->inside.text, *end = cursor + o->inside.size;
	struct config_word word;

	*ret_good = true;
	(void)config_word_next(&cursor, end, &word); /* the server */
	while (*ret_good && audit_word_next(o->audit, &cursor, end, &word)) {
		_cleanup_free_ char *copy = NULL;
		const struct known *known;
		char *value;
		long number;
		const int r = option_split(&word, &copy, &value, ret_good);

		if (r < 0)
			return r;
		known = *ret_good ? known_find(copy) : NULL;
		*ret_good = known && (known->kind == TEXT || number_of(known, value, &number));
		if (!*ret_good)
			refuse(o, word.text, word.size);
	}
	return 0;
}

/* The value of an option: in the argument's braces, else what main.cf says for all. */
static int option_value(const struct policy_options *o, const char *name, char **ret_value)
{
	const char *cursor = o->inside.text, *end = cursor + o->inside.size;
	const struct config_setting *setting;
	struct config_word word;
	char parameter[64];
	char *value;
	bool valid;
	int r;

	while (config_word_next(&cursor, end, &word)) {
		_cleanup_free_ char *copy = NULL;

		r = option_split(&word, &copy, &value, &valid);
		if (r < 0)
			return r;
		if (!valid || strcmp(copy, name) != 0)
			continue;
		*ret_value = strdup(value);
		return *ret_value ? 0 : -ENOMEM;
	}
	(void)snprintf(parameter, sizeof(parameter), "smtpd_policy_service_%s", name);
	r = config_scope_value(&o->audit->loader, o->scope, parameter, &setting);
	if (r < 0)
		return r;
	*ret_value = strdup(setting->value.data);
	return *ret_value ? 0 : -ENOMEM;
}

static int check_default_action(const struct policy_options *o)
{
	_cleanup_free_ char *action = NULL;
	const int r = option_value(o, "default_action", &action);

	if (r == 0 && strcasecmp(action, "DUNNO") != 0)
		warn_at(o->audit, o->origin, o->list,
			"while the agent is down, Postfix takes default_action=%s for its answer; "
			"write %s",
			action, o->line);
	return r;
}

static int check_wait(const struct policy_options *o)
{
	static const char *const names[] = { "timeout", "try_limit", "retry_delay" };
	long numbers[3] = { 0 };
	long tries, wait;

	for (size_t i = 0; i < 3; i++) {
		_cleanup_free_ char *text = NULL;
		char parameter[128];
		const int r = option_value(o, names[i], &text);

		if (r < 0)
			return r;
		if (number_of(known_find(names[i]), text, &numbers[i]))
			continue;
		(void)snprintf(parameter, sizeof(parameter), "smtpd_policy_service_%s = %.60s",
			       names[i], text);
		refuse(o, parameter, strlen(parameter));
		return 0;
	}
	tries = numbers[1] > 1000 ? 1000 : numbers[1];
	wait = tries * numbers[0] + (tries - 1) * numbers[2];
	if (wait > WAIT_MAX)
		warn_at(o->audit, o->origin, o->list,
			"a message waits up to %ld s for an agent that does not answer "
			"(timeout=%ld s, try_limit=%ld); write %s",
			wait, numbers[0], tries, o->line);
	return 0;
}

int audit_policy_options(const struct policy_options *options)
{
	bool good;
	int r = check_syntax(options, &good);

	if (r == 0 && good)
		r = check_default_action(options);
	return r == 0 && good ? check_wait(options) : r;
}
