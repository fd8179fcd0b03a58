/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One exchange each MILTER_REPORT_SECONDS. A report is repeated until it is answered; it says all
 * that was ever counted, so that a repeated one adds nothing.
 */
#include "agent_reports.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "control_client.h"
#include "log.h"
#include "mail_filter.h"
#include "notice.h"

#define TIMEOUT_MS 2000

static void cleanup_client(struct client *client)
{
	client_done(client);
}

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

/* --- configuration --- */

static void tell(const struct milter *milter, enum notice_kind kind)
{
	notice_send(milter->parent.notices, milter->parent.number, kind);
}

/* What became of the file: what the one above is to be told. */
static enum notice_kind read_anew(struct agent_reports *reports)
{
	struct header_rules *rules = &reports->milter->rules;
	const struct wall_ms now = wall_now();
	struct report report = { 0 };
	struct config *config = NULL;
	enum notice_kind kind;
	/* Only this thread ever replaces it. */
	int error = config_load(rules->config->file, &config, &report);

	if (!error)
		error = config_milter_usable(config, &report);
	report_log(&report);
	report_done(&report);
	if (error) {
		log_error("reload failed, the configuration in force stays as it was");
		config_free(config);
		return NOTICE_REFUSED;
	}
	if (strcmp(config->milter_listen, rules->config->milter_listen) != 0)
		log_warning("%s: milter_listen: takes effect at the next start of synanvil-milter",
			    config->file);
	log_info("reloaded %s", config->file);
	kind = config->enforce ? NOTICE_ENFORCING : NOTICE_MONITORING;
	header_rules_configure(rules, config, now);
	return kind;
}

static void reload(struct agent_reports *reports)
{
	tell(reports->milter, NOTICE_RELOADING);
	tell(reports->milter, read_anew(reports));
}

/* The agent has put a configuration in force since we last heard of it; or, the first time, since
 * ours was read. That alone compares times: the clock may be set back. */
static void follow(struct agent_reports *reports, const json_t *result)
{
	const json_int_t reloaded = json_integer_value(json_object_get(result, "configured_ms"));

	const int64_t known = reports->reload_known_ms;

	reports->reload_known_ms = reloaded;
	if (known ? reloaded != known : reloaded > reports->milter->rules.loaded.ms)
		reload(reports);
}

/* --- exceptions of run time --- */

static int prefixes_read(const json_t *list, struct prefix **ret_prefixes, size_t *ret_count)
{
	const size_t count = json_array_size(list);
	_cleanup_free_ struct prefix *prefixes = calloc(count + 1, sizeof(*prefixes));

	if (!prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);

		if (!json_is_string(item) ||
		    prefix_parse(json_string_value(item), json_string_length(item), PREFIX_ANY,
				 &prefixes[i]) != PREFIX_OK)
			return -EINVAL;
	}
	*ret_prefixes = TAKE_PTR(prefixes);
	*ret_count = count;
	return 0;
}

static void exceptions_take(struct agent_reports *reports, const json_t *result)
{
	const char *version = json_string_value(json_object_get(result, "exceptions_version"));
	const json_t *list = json_object_get(result, "exceptions");
	struct prefix *prefixes;
	size_t count;

	if (!version || !json_is_array(list) ||
	    strlen(version) >= sizeof(reports->exceptions_version) ||
	    prefixes_read(list, &prefixes, &count))
		return;
	header_rules_except(&reports->milter->rules, prefixes, count);
	(void)snprintf(reports->exceptions_version, sizeof(reports->exceptions_version), "%s",
		       version);
}

/* --- exchange --- */

static void answered(struct agent_reports *reports, bool yes, const char *why)
{
	if (!yes && !reports->silent)
		log_warning("%s; counts are kept until the agent takes them", why);
	if (yes && reports->silent)
		log_info("the agent answers again");
	reports->silent = !yes;
}

/*
 * An agent that has moved its socket can no longer tell. So while it is silent the file is looked
 * into after each change, for this alone: what else is in it holds when the agent says so.
 */
static const char *moved(struct agent_reports *reports)
{
	const struct config *ours = reports->milter->rules.config;
	struct report unused = { 0 };
	struct config *config = NULL;
	struct stat status;

	if (stat(ours->file, &status) < 0 || (status.st_mtim.tv_sec == reports->looked.tv_sec &&
					      status.st_mtim.tv_nsec == reports->looked.tv_nsec))
		return reports->moved;
	reports->looked = status.st_mtim;
	free(reports->moved);
	reports->moved = NULL;
	if (config_load(ours->file, &config, &unused) == 0 &&
	    strcmp(config->control_socket, ours->control_socket) != 0)
		reports->moved = strdup(config->control_socket);
	config_free(config);
	report_done(&unused);
	return reports->moved;
}

static enum client_result ask(struct client *client, const char *control_socket, json_t *arguments,
			      json_t **ret_result)
{
	_cleanup_free_ char *path = milter_report_socket(control_socket);
	json_t *warnings;

	client_done(client);
	*client = CLIENT_INIT(TIMEOUT_MS);
	return path ? client_call(client, path, "milter report", arguments, ret_result, &warnings)
		    : CLIENT_FAILED;
}

static void exchange(struct agent_reports *reports)
{
	_cleanup_(cleanup_client) struct client client = CLIENT_INIT(TIMEOUT_MS);
	struct milter *milter = reports->milter;
	const char *control_socket = milter->rules.config->control_socket;
	struct message_counts_copy counts;
	_cleanup_(cleanup_json) json_t *arguments = NULL;
	enum client_result outcome;
	json_t *result;

	message_counts_read(&milter->counts, &counts);
	arguments = message_counts_report(&milter->counts, &counts, reports->exceptions_version);
	if (!arguments)
		return;
	outcome = ask(&client, control_socket, arguments, &result);
	if (outcome != CLIENT_OK && (control_socket = moved(reports)) != NULL)
		outcome = ask(&client, control_socket, arguments, &result);
	if (outcome != CLIENT_OK) {
		answered(reports, false, client.message ? client.message : "no agent answers");
		return;
	}
	answered(reports, true, NULL);
	reports->delivered = counts;
	exceptions_take(reports, result);
	follow(reports, result);
}

static void *run(void *context)
{
	static const struct timespec interval = { .tv_sec = MILTER_REPORT_SECONDS };
	struct agent_reports *reports = context;
	sigset_t signals;
	int number;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, MILTER_RELOAD_SIGNAL);
	(void)sigaddset(&signals, MILTER_STOP_SIGNAL);
	do {
		exchange(reports);
		number = sigtimedwait(&signals, NULL, &interval);
		if (number == MILTER_RELOAD_SIGNAL)
			reload(reports);
	} while (number != MILTER_STOP_SIGNAL);
	mail_filter_stop(reports->milter);
	return NULL;
}

int agent_reports_start(struct agent_reports *reports, struct milter *milter)
{
	*reports = (struct agent_reports){ .milter = milter };
	return -pthread_create(&reports->thread, NULL, run, reports);
}

static uint64_t undelivered(const struct agent_reports *reports)
{
	struct message_counts_copy counts;
	uint64_t sum = 0;

	message_counts_read(&reports->milter->counts, &counts);
	for (size_t i = 0; i < MILTER_ACTIONS; i++)
		sum += counts.messages[i] - reports->delivered.messages[i];
	return sum;
}

void agent_reports_stop(struct agent_reports *reports)
{
	uint64_t lost;

	(void)pthread_kill(reports->thread, MILTER_STOP_SIGNAL);
	(void)pthread_join(reports->thread, NULL);
	exchange(reports);
	lost = undelivered(reports);
	if (lost > 0)
		log_warning("no agent took the counts of the last %" PRIu64 " messages", lost);
	free(reports->moved);
	reports->moved = NULL;
}
