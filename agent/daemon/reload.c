/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reload: everything that can fail is made beside what is in force, then one switch, then the old
 * goes.
 */
#include <errno.h>
#include <string.h>

#include "bpf_object.h"
#include "cleanup.h"
#include "client_match.h"
#include "configuration.h"
#include "connections_sync.h"
#include "control_server.h"
#include "daemon.h"
#include "heap.h"
#include "log.h"
#include "metrics_server.h"
#include "milter_reports.h"
#include "policy.h"
#include "policy_server.h"
#include "service_manager.h"
#include "state.h"

/* What a reload has made and not yet put in place of the old. */
struct next {
	struct config *config;
	struct interfaces interfaces;
	struct control_server *control;    /* NULL: the old one goes on */
	struct metrics_server *metrics;    /* NULL: the old one goes on, or there is to be none */
	struct policy_listener *listeners; /* sockets that the policy service does not have yet */
	struct client_match *match;        /* the exceptions as the message path looks at them */
	bool replace_metrics;
	bool state_moved;
};

static int make_servers(struct daemon *daemon, struct next *next, struct explanation *reterr_why)
{
	const struct config *old = daemon->config, *new = next->config;
	int error = 0;

	if (strcmp(old->control_socket, new->control_socket) != 0) {
		error = control_server_new(daemon, new->control_socket, new->control_group,
					   &next->control);
		if (error)
			return configuration_explain_control(new->control_socket,
							     new->control_group, error, reterr_why);
	}
	next->replace_metrics = strcmp(old->metrics_listen, new->metrics_listen) != 0 ||
				metrics_server_paused(daemon->metrics);
	if (next->replace_metrics && *new->metrics_listen) {
		error = metrics_server_new(daemon, new->metrics_listen, daemon->metrics,
					   &next->metrics);
		if (error)
			return configuration_explain_metrics(new->metrics_listen, error,
							     reterr_why);
	}
	return policy_server_plan(daemon->policy_server, new->policy_listen, &next->listeners,
				  reterr_why);
}

static int move_state(struct daemon *daemon, struct next *next, struct explanation *reterr_why)
{
	const char *directory = next->config->state_directory;
	int error;

	if (strcmp(daemon->config->state_directory, directory) == 0)
		return 0;
	error = state_move(daemon->state, directory);
	if (error)
		return explain_parameter(reterr_why,
					 explain(reterr_why, error, "cannot move to %s: %s",
						 directory, strerror(-error)),
					 "state_directory");
	next->state_moved = true;
	return 0;
}

static int make_match(struct next *next, struct explanation *reterr_why)
{
	const int error = client_match_new(&next->config->exceptions, &next->match);

	return error ? explain(reterr_why, error, "cannot prepare the exceptions: %s",
			       strerror(-error))
		     : 0;
}

static int make_next(struct daemon *daemon, struct next *next, struct explanation *reterr_why)
{
	int error =
		interfaces_plan(next->config, &daemon->interfaces, &next->interfaces, reterr_why);

	if (!error)
		error = make_match(next, reterr_why);
	if (!error)
		error = make_servers(daemon, next, reterr_why);
	if (!error)
		error = interfaces_attach(&next->interfaces, daemon->xdp_mode,
					  bpf_object_program_fd(daemon->program), reterr_why);
	if (!error)
		error = move_state(daemon, next, reterr_why);
	if (!error)
		error = configuration_apply(daemon, next->config, &next->interfaces, reterr_why);
	return error;
}

static void undo(struct daemon *daemon, struct next *next)
{
	if (next->state_moved && state_move(daemon->state, daemon->config->state_directory))
		log_error("exceptions and blocks stay in %s", next->config->state_directory);
	interfaces_detach(&next->interfaces, &daemon->interfaces);
	policy_server_discard(daemon->policy_server, next->listeners);
	next->match = client_match_free(next->match);
	next->metrics = metrics_server_free(next->metrics);
	metrics_server_resume(daemon->metrics);
	next->control = control_server_free(next->control);
	next->config = config_free(next->config);
}

/* The milter finds the new place when it has read the configuration; until then it keeps its
 * counts.
 */
static void move_milter_reports(struct daemon *daemon, const char *control_socket)
{
	int error;

	daemon->milter = milter_reports_free(daemon->milter);
	error = milter_reports_new(daemon, control_socket, &daemon->milter);
	if (error)
		log_warning("cannot listen on %s" MILTER_REPORT_SUFFIX
			    " for the milter's reports: %s",
			    control_socket, strerror(-error));
}

/* Of the first one there is, only what a reload does not change is looked at again. */
static void config_retire(struct daemon *daemon)
{
	if (daemon->started_with) {
		config_free(daemon->config);
		return;
	}
	config_drop_lists(daemon->config);
	daemon->started_with = daemon->config;
}

static void commit(struct daemon *daemon, struct next *next)
{
	interfaces_detach(&daemon->interfaces, &next->interfaces);
	daemon->interfaces = next->interfaces;
	if (next->control) {
		(void)control_server_free(daemon->control);
		daemon->control = next->control;
		move_milter_reports(daemon, next->config->control_socket);
	}
	if (next->replace_metrics) {
		(void)metrics_server_free(daemon->metrics);
		daemon->metrics = next->metrics;
	}
	if (policy_server_switch(daemon->policy_server, next->listeners))
		log_error("policy_listen: out of memory, not all of it is served");
	(void)client_match_free(policy_switch(daemon->policy, next->match));
	config_retire(daemon);
	daemon->config = next->config;
	connections_sync_follow(daemon->connections);
}

/* What the new file asks for and only a new start can do. */
static void report_restart(const struct daemon *daemon, const struct config *config,
			   struct report *report)
{
	const struct config *start = daemon->started_with ? daemon->started_with : daemon->config;
	const struct {
		const char *parameter;
		bool waits;
	} rows[] = {
		{ "source_table_size", start->source_table_size != config->source_table_size },
		{ "bpf_directory", strcmp(start->bpf_directory, config->bpf_directory) != 0 },
		{ "xdp_mode", start->xdp_mode != config->xdp_mode },
		/* The socket's group could be changed only with a capability that the agent has
		   dropped. */
		{ "control_group",
		  strcmp(start->control_socket, config->control_socket) == 0 &&
			  strcmp(start->control_group, config->control_group) != 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].waits)
			report_add(report, REPORT_WARNING, config->file, 0, rows[i].parameter,
				   "takes effect at the next start (synanvil restart)");
}

static int reload(struct daemon *daemon, struct report *report)
{
	struct next next = {};
	struct explanation why = {};
	int error = config_load(daemon->config->file, &next.config, report);

	if (error) {
		if (!report->errors)
			report_add(report, REPORT_ERROR, daemon->config->file, 0, NULL, "%s",
				   strerror(-error));
		return error;
	}
	report_restart(daemon, next.config, report);
	error = make_next(daemon, &next, &why);
	if (error) {
		configuration_report_failure(next.config, &why, report);
		undo(daemon, &next);
		return error;
	}
	commit(daemon, &next);
	return 0;
}

int daemon_reload(struct daemon *daemon, struct report *report)
{
	int error;

	service_manager_reloading();
	error = reload(daemon, report);
	heap_trim();
	daemon->reload_ok = error == 0;
	if (error) {
		log_error("reload failed, the configuration in force stays as it was");
	} else {
		daemon->reload_succeeded = wall_now();
		log_info("reloaded %s", daemon->config->file);
	}
	daemon_tell_ready(daemon);
	return error;
}
