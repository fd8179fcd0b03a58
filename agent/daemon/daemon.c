/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's life. The order of the start matters: whatever can fail comes before anything in
 * force is touched, and the tables hold everything before the program that reads them is put in
 * place.
 */
#include "daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "bpf_object.h"
#include "configuration.h"
#include "connections_sync.h"
#include "control_server.h"
#include "event_loop.h"
#include "events.h"
#include "evidence.h"
#include "heap.h"
#include "link_watch.h"
#include "log.h"
#include "metrics_server.h"
#include "milter_reports.h"
#include "pins.h"
#include "policy_service.h"
#include "privileges.h"
#include "service_manager.h"
#include "socket_directory.h"
#include "state.h"
#include "sweep.h"
#include "system_calls.h"

/* How long a reply to the command that stops the agent has to leave: local, some hundred bytes. */
#define REPLY_TIME_US 50000

static bool link_concerns(const char *name, uint32_t ifindex, void *context)
{
	const struct daemon *daemon = context;

	return interfaces_concern(&daemon->interfaces, name, ifindex);
}

static void link_changed(void *context)
{
	interfaces_follow(context);
}

static int kernel_open(struct daemon *daemon, struct explanation *reterr_why)
{
	int error = privileges_check(reterr_why);

	if (!error)
		error = pins_open(daemon->config->bpf_directory, &daemon->pins, reterr_why);
	if (!error)
		error = bpf_object_load(daemon->config->source_table_size, daemon->verbose,
					&daemon->program, &daemon->tables, reterr_why);
	if (error)
		return error;
	error = tables_settings_read(&daemon->tables, &daemon->settings);
	if (error)
		return explain(reterr_why, error, "cannot read the settings in force: %s",
			       strerror(-error));
	daemon->adopted = bpf_object_adopted(daemon->program);
	return 0;
}

static int servers_open(struct daemon *daemon, struct explanation *reterr_why)
{
	const struct config *config = daemon->config;
	int error;

	socket_directory_make(config->control_socket);
	error = control_server_new(daemon, config->control_socket, config->control_group,
				   &daemon->control);
	if (error)
		return configuration_explain_control(config->control_socket, config->control_group,
						     error, reterr_why);
	if (control_server_group_refused(daemon->control))
		log_warning(
			"control_group: this user may not give %s to group %s, so it is open to "
			"root and this user only",
			config->control_socket, config->control_group);
	error = policy_service_open(daemon, reterr_why);
	if (error || !*config->metrics_listen)
		return error;
	error = metrics_server_new(daemon, config->metrics_listen, NULL, &daemon->metrics);
	if (error)
		return configuration_explain_metrics(config->metrics_listen, error, reterr_why);
	return 0;
}

/* Without this the limiter does all it is for: reasons to go on. */
static void milter_open(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	int error = milter_totals_load(config->state_directory, &daemon->milter_totals);

	if (error)
		log_warning("the milter's counts in %s cannot be read and begin anew: %s",
			    config->state_directory, strerror(-error));
	error = milter_reports_new(daemon, config->control_socket, &daemon->milter);
	if (error)
		log_warning("cannot listen on %s" MILTER_REPORT_SUFFIX
			    " for the milter's reports: %s",
			    config->control_socket, strerror(-error));
}

/* From here on the kernel changes. New tables get their pins once they are complete, links their
 * program last. */
static int put_in_force(struct daemon *daemon, struct interfaces *interfaces,
			struct explanation *reterr_why)
{
	const char *directory = daemon->config->state_directory;
	int error = state_new(daemon, directory, &daemon->state);

	if (error)
		return explain(reterr_why, error,
			       "state_directory: cannot read exceptions and blocks from %s: %s",
			       directory, strerror(-error));
	error = configuration_apply(daemon, daemon->config, interfaces, reterr_why);
	if (!error)
		error = bpf_object_pin(daemon->program, reterr_why);
	daemon->interfaces = *interfaces;
	if (!error)
		error = interfaces_attach(&daemon->interfaces, daemon->xdp_mode,
					  bpf_object_program_fd(daemon->program), reterr_why);
	if (error)
		return error;
	error = interfaces_remove_others(&daemon->interfaces, daemon->pins);
	if (error)
		return explain(reterr_why, error,
			       "cannot remove a link that is no longer configured: %s",
			       strerror(-error));
	/* Last: what an earlier agent left goes on counting until all else is in force. */
	error = connections_sync_new(daemon, &daemon->connections);
	if (error)
		return explain(reterr_why, error, "cannot count live connections: %s",
			       strerror(-error));
	return 0;
}

static int observers_open(struct daemon *daemon, struct explanation *reterr_why)
{
	const struct link_listener listener = { link_concerns, link_changed, daemon };
	int error = link_watch_new(daemon->loop, &listener, &daemon->watch);

	if (error)
		return explain(reterr_why, error, "cannot listen to rtnetlink: %s",
			       strerror(-error));
	/* What changed between the first look at the interfaces and now was not heard. */
	interfaces_follow(daemon);
	error = events_new(daemon, &daemon->events);
	if (error)
		return explain(reterr_why, error, "cannot read the packet path's events: %s",
			       strerror(-error));
	error = evidence_new(&daemon->evidence);
	if (!error)
		error = sweep_new(daemon, &daemon->sweep);
	if (error)
		return explain(reterr_why, error, "cannot read the source table: %s",
			       strerror(-error));
	return 0;
}

static int privileges_leave(struct daemon *daemon, struct explanation *reterr_why)
{
	struct privileges_user user;
	int error = 0;

	privileges_user_find(&user);
	if (user.change) {
		error = pins_give(daemon->pins, user.uid, user.gid);
		if (!error)
			error = privileges_give_directory(daemon->config->state_directory, &user);
	}
	if (error)
		return explain(reterr_why, error,
			       "cannot give bpf_directory and state_directory to synanvil: %s",
			       strerror(-error));
	return privileges_drop(&user, reterr_why);
}

static int start(struct daemon *daemon, struct explanation *reterr_why)
{
	struct interfaces interfaces = {};
	int error = kernel_open(daemon, reterr_why);

	if (!error)
		error = interfaces_plan(daemon->config, NULL, &interfaces, reterr_why);
	if (error)
		return error;
	error = event_loop_new(daemon);
	if (error)
		return explain(reterr_why, error, "cannot set up the event loop: %s",
			       strerror(-error));
	error = servers_open(daemon, reterr_why);
	if (!error)
		error = put_in_force(daemon, &interfaces, reterr_why);
	if (!error) {
		milter_open(daemon);
		error = observers_open(daemon, reterr_why);
	}
	if (!error)
		error = privileges_leave(daemon, reterr_why);
	if (!error)
		error = system_calls_limit(reterr_why);
	return error;
}

/* With the place in the configuration, where a parameter's value is to blame. */
static void log_failure(const struct config *config, const struct explanation *why)
{
	struct report report = {};

	if (!why->parameter) {
		log_error("%s", why->text);
		return;
	}
	configuration_report_failure(config, why, &report);
	report_log(&report);
	report_done(&report);
}

int daemon_start(struct daemon *daemon, struct config *config, bool verbose)
{
	struct explanation why = {};
	int error;

	*daemon = (struct daemon){
		.config = config, .verbose = verbose, .pins = -1, .leave = DAEMON_KEEP
	};
	daemon->tables.configured_trie = -1;
	daemon->xdp_mode = config->xdp_mode;
	daemon->started = mono_now();
	error = start(daemon, &why);
	if (error) {
		log_failure(config, &why);
		return error;
	}
	heap_trim();
	daemon->running = true;
	daemon->reload_ok = true;
	daemon->reload_succeeded = wall_now();
	log_info("synanvild " SYNANVIL_VERSION " is running, %s",
		 config->enforce ? "enforcing" : "monitoring: nothing is dropped");
	return 0;
}

void daemon_tell_ready(const struct daemon *daemon)
{
	char status[128];

	(void)snprintf(status, sizeof(status), "%s%s",
		       daemon->reload_ok ? "" : "Reload failed, as before: ",
		       daemon->config->enforce ? "enforcing" : "monitoring: nothing is dropped");
	service_manager_ready(status);
}

int daemon_run(struct daemon *daemon)
{
	daemon_tell_ready(daemon);
	return event_base_dispatch(daemon->loop) < 0 ? -EIO : 0;
}

void daemon_stop(struct daemon *daemon, enum daemon_leave leave)
{
	const struct timeval reply_time = { 0, REPLY_TIME_US };

	daemon->leave = leave;
	service_manager_stopping();
	(void)event_base_loopexit(daemon->loop, &reply_time);
}

static int count_pin(const char *name, void *context)
{
	(void)name, (void)context;
	return 1;
}

/*
 * A start that failed leaves what it found: the links that an earlier agent made, with the tables
 * they use. Where there is no such link there is nothing to keep.
 */
static void leave_failed(struct daemon *daemon)
{
	interfaces_detach_own(&daemon->interfaces);
	if (daemon->pins >= 0 && pins_each(daemon->pins, "link-", count_pin, NULL) == 0)
		(void)pins_remove_all(daemon->pins, daemon->config->bpf_directory);
}

static void leave(struct daemon *daemon)
{
	if (!daemon->running) {
		leave_failed(daemon);
	} else if (daemon->leave == DAEMON_DETACH) {
		int error;

		interfaces_detach(&daemon->interfaces, NULL);
		error = pins_remove_all(daemon->pins, daemon->started_with
							      ? daemon->started_with->bpf_directory
							      : daemon->config->bpf_directory);
		if (error)
			log_warning("some pins could not be removed: %s", strerror(-error));
		log_info("stopped, nothing is left in force");
	} else {
		log_info("stopped, the packet path stays in force for the next start");
	}
	interfaces_close(&daemon->interfaces);
}

void daemon_done(struct daemon *daemon)
{
	daemon->metrics = metrics_server_free(daemon->metrics);
	policy_service_close(daemon);
	daemon->milter = milter_reports_free(daemon->milter);
	daemon->control = control_server_free(daemon->control);
	daemon->watch = link_watch_free(daemon->watch);
	daemon->sweep = sweep_free(daemon->sweep);
	daemon->connections = connections_sync_free(daemon->connections,
						    daemon->running ? daemon->leave : DAEMON_KEEP);
	daemon->evidence = evidence_free(daemon->evidence);
	daemon->events = events_free(daemon->events);
	daemon->state = state_free(daemon->state);
	leave(daemon);
	if (daemon->tables.configured_trie >= 0)
		(void)close(daemon->tables.configured_trie);
	tables_live_close(&daemon->tables);
	daemon->program = bpf_object_free(daemon->program);
	event_loop_free(daemon);
	if (daemon->pins >= 0)
		(void)close(daemon->pins);
	daemon->config = config_free(daemon->config);
	daemon->started_with = config_free(daemon->started_with);
}
