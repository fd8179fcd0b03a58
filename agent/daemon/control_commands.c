/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a command's name to what it does.
 */
#include "control_commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "control_arguments.h"
#include "rules.h"
#include "show.h"
#include "state.h"
#include "sweep.h"
#include "views.h"

#define TOP_DEFAULT 20

/* Of one command, before the rest is summed up. */
#define WARNINGS_MAX 20

/* Ten years: whoever wants a longer block wants one until it is deleted. */
#define SECONDS_MAX (10LL * 366 * 24 * 3600)

/* One run of a command. 0 or -errno; then reply->error says why if it can. */
typedef int command_function(struct daemon *daemon, const json_t *arguments,
			     struct control_reply *reply);

static int run_status(struct daemon *daemon, const json_t *arguments, struct control_reply *reply)
{
	(void)arguments;
	return view_status(daemon, &reply->result);
}

static int run_top(struct daemon *daemon, const json_t *arguments, struct control_reply *reply)
{
	enum top_order order = TOP_ATTEMPTS;
	json_int_t count;
	const char *by;
	int error = argument_number(arguments, "count", 1, TOP_CAPACITY, TOP_DEFAULT, &count,
				    &reply->error);

	if (!error)
		error = argument_text(arguments, "by", &by, &reply->error);
	if (error)
		return error;
	if (by && strcmp(by, "dropped") == 0)
		order = TOP_DROPPED;
	else if (by && strcmp(by, "connections") == 0)
		order = TOP_CONNECTIONS;
	else if (by && strcmp(by, "attempts") != 0)
		return argument_refuse(&reply->error, -EINVAL,
				       "by: neither attempts nor dropped nor connections");
	return view_top(daemon, (size_t)count, order, &reply->result);
}

static int run_show(struct daemon *daemon, const json_t *arguments, struct control_reply *reply)
{
	struct sa_address address;
	const char *text;
	const int error = argument_text(arguments, "address", &text, &reply->error);

	if (error)
		return error;
	if (!text || address_parse(text, &address))
		return argument_refuse(&reply->error, -EINVAL, "%s: not an IPv4 or IPv6 address",
				       text ? text : "address");
	return show_json(daemon, &address, &reply->result);
}

static int run_exception_list(struct daemon *daemon, const json_t *arguments,
			      struct control_reply *reply)
{
	(void)daemon, (void)arguments;
	reply->listing.kind = LISTING_EXCEPTIONS;
	return 0;
}

static int run_exception_add(struct daemon *daemon, const json_t *arguments,
			     struct control_reply *reply)
{
	_cleanup_free_ struct prefix *prefixes = NULL;
	size_t count;
	const int error = argument_prefixes(arguments, &prefixes, &count, &reply->error);

	return error ? error : state_exceptions_add(daemon->state, prefixes, count, &reply->error);
}

static int run_exception_delete(struct daemon *daemon, const json_t *arguments,
				struct control_reply *reply)
{
	_cleanup_free_ struct prefix *prefixes = NULL;
	size_t count;
	const int error = argument_prefixes(arguments, &prefixes, &count, &reply->error);

	return error ? error
		     : state_exceptions_delete(daemon->state, prefixes, count, &reply->error);
}

static int run_block_list(struct daemon *daemon, const json_t *arguments,
			  struct control_reply *reply)
{
	(void)daemon, (void)arguments;
	reply->listing.kind = LISTING_BLOCKS;
	return 0;
}

/* What makes a block of the prefix have no effect, or NULL. */
static const char *exempt_by(const struct daemon *daemon, const struct exception_entry *entries,
			     size_t count, const struct prefix *prefix)
{
	if (state_exempts(daemon->state, prefix))
		return "an exception added at run time";
	if (rules_match(entries, count, prefix) == SA_EXCEPTION_EXEMPT)
		return "a configured exception";
	return NULL;
}

/* One warning for each prefix that is exempt as a whole, as long as somebody may read them. */
static int exempt_warnings(const struct daemon *daemon, const struct prefix *prefixes, size_t count,
			   json_t **ret_warnings)
{
	_cleanup_free_ struct exception_entry *entries = NULL;
	json_t *warnings = json_array();
	char text[PREFIX_TEXT_SIZE];
	size_t entry_count, found = 0;
	int error = rules_compile_configured(&daemon->config->exceptions, &entries, &entry_count);

	for (size_t i = 0; !error && i < count; i++) {
		const char *where = exempt_by(daemon, entries, entry_count, &prefixes[i]);

		if (!where || found++ >= WARNINGS_MAX)
			continue;
		prefix_format(&prefixes[i], text);
		(void)json_array_append_new(
			warnings,
			json_sprintf("%s is inside %s: the block has no effect", text, where));
	}
	if (found > WARNINGS_MAX)
		(void)json_array_append_new(
			warnings,
			json_sprintf("%zu more are inside exceptions: their blocks have no effect",
				     found - WARNINGS_MAX));
	*ret_warnings = warnings;
	return error;
}

static int run_block_add(struct daemon *daemon, const json_t *arguments,
			 struct control_reply *reply)
{
	_cleanup_free_ struct block_rule *rules = NULL;
	_cleanup_free_ struct prefix *prefixes = NULL;
	json_int_t seconds;
	int64_t ends_ms = INT64_MAX;
	size_t count;
	int error = argument_prefixes(arguments, &prefixes, &count, &reply->error);

	if (!error)
		error = argument_number(arguments, "seconds", 1, SECONDS_MAX, 0, &seconds,
					&reply->error);
	if (error)
		return error;
	if (seconds)
		ends_ms = wall_now().ms + seconds * 1000;
	rules = calloc(count, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		rules[i] = (struct block_rule){ .prefix = prefixes[i], .ends_ms = ends_ms };
	error = state_blocks_add(daemon->state, rules, count, &reply->error);
	/* The block holds whether or not there is memory for a warning. */
	if (!error)
		(void)exempt_warnings(daemon, prefixes, count, &reply->warnings);
	return error;
}

static int run_block_delete(struct daemon *daemon, const json_t *arguments,
			    struct control_reply *reply)
{
	_cleanup_free_ struct prefix *prefixes = NULL;
	size_t count;
	const int error = argument_prefixes(arguments, &prefixes, &count, &reply->error);

	return error ? error : state_blocks_delete(daemon->state, prefixes, count, &reply->error);
}

static int run_events(struct daemon *daemon, const json_t *arguments, struct control_reply *reply)
{
	struct listing *listing = &reply->listing;
	struct history_filter *filter = &listing->filter;
	json_int_t since;
	int error = argument_address(arguments, &filter->within, &filter->prefix, &reply->error);

	(void)daemon;
	filter->since_ms = INT64_MIN;
	if (!error)
		error = argument_number(arguments, "since", 0, SECONDS_MAX, -1, &since,
					&reply->error);
	if (!error)
		error = argument_bool(arguments, "follow", &listing->follow, &reply->error);
	if (error)
		return error;
	if (since >= 0)
		filter->since_ms = wall_now().ms - since * 1000;
	listing->kind = LISTING_EVENTS;
	return 0;
}

static int run_config(struct daemon *daemon, const json_t *arguments, struct control_reply *reply)
{
	bool changed;
	const int error = argument_bool(arguments, "changed", &changed, &reply->error);

	return error ? error : view_config(daemon, changed, &reply->result);
}

static int run_advise(struct daemon *daemon, const json_t *arguments, struct control_reply *reply)
{
	(void)arguments;
	return view_advice(daemon, &reply->result);
}

/* The findings of one severity, a line each; to be freed, NULL when there are none. */
static char *report_lines(const struct report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	size_t lines = 0;

	if (!stream)
		return NULL;
	for (size_t i = 0; i < report->count; i++) {
		_cleanup_free_ char *line = NULL;

		if (report->entries[i].severity != REPORT_ERROR)
			continue;
		line = report_entry_format(&report->entries[i]);
		(void)fprintf(stream, "%s%s", lines++ ? "\n" : "", line ? line : "out of memory");
	}
	(void)fclose(stream);
	return text;
}

static json_t *report_warnings(const struct report *report)
{
	json_t *warnings = json_array();

	for (size_t i = 0; i < report->count; i++) {
		_cleanup_free_ char *line = report_entry_format(&report->entries[i]);

		if (line && report->entries[i].severity == REPORT_WARNING)
			(void)json_array_append_new(warnings, json_string(line));
	}
	return warnings;
}

static int run_reload(struct daemon *daemon, const json_t *arguments, struct control_reply *reply)
{
	_cleanup_(report_done) struct report report = { 0 };
	const int error = daemon_reload(daemon, &report);

	(void)arguments;
	if (error)
		reply->error = report_lines(&report);
	else
		reply->warnings = report_warnings(&report);
	return error;
}

static int run_restart(struct daemon *daemon, const json_t *arguments, struct control_reply *reply)
{
	(void)arguments;
	(void)reply;
	daemon_stop(daemon, DAEMON_AGAIN);
	return 0;
}

static int run_detach(struct daemon *daemon, const json_t *arguments, struct control_reply *reply)
{
	(void)arguments;
	(void)reply;
	daemon_stop(daemon, DAEMON_DETACH);
	return 0;
}

static const struct {
	const char *name;
	bool changes;
	command_function *run;
} commands[] = {
	{ "status", false, run_status },
	{ "top", false, run_top },
	{ "show", false, run_show },
	{ "exception list", false, run_exception_list },
	{ "exception add", true, run_exception_add },
	{ "exception delete", true, run_exception_delete },
	{ "block list", false, run_block_list },
	{ "block add", true, run_block_add },
	{ "block delete", true, run_block_delete },
	{ "events", false, run_events },
	{ "config", false, run_config },
	{ "advise", false, run_advise },
	{ "reload", true, run_reload },
	{ "restart", true, run_restart },
	{ "detach", true, run_detach },
};

void control_reply_done(struct control_reply *reply)
{
	json_decref(reply->result);
	json_decref(reply->warnings);
	free(reply->error);
	*reply = (struct control_reply){ 0 };
}

void control_command_run(struct daemon *daemon, const struct control_peer *peer,
			 const char *command, const json_t *arguments,
			 struct control_reply *ret_reply)
{
	struct control_reply reply = { 0 };
	int error;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, command) != 0)
			continue;
		if (commands[i].changes && !peer->may_change) {
			error = argument_refuse(
				&reply.error, -EPERM,
				"%s: only root and the agent's own user may do that", command);
		} else {
			error = commands[i].run(daemon, arguments, &reply);
		}
		if (error && !reply.error)
			(void)argument_refuse(&reply.error, error, "%s: %s", command,
					      strerror(-error));
		*ret_reply = reply;
		return;
	}
	(void)argument_refuse(&reply.error, -EINVAL, "%.64s: unknown command", command);
	*ret_reply = reply;
}
