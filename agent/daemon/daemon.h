/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent: one struct owns everything. main builds it, the event loop runs it, daemon_done takes
 * it apart.
 *
 * Single-threaded; every callback of the loop gets the struct daemon. What is borrowed from it is
 * valid until the callback returns to the loop, since a reload may replace the configuration
 * between two callbacks.
 */
#ifndef AGENT_DAEMON_H
#define AGENT_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "interfaces.h"
#include "milter_totals.h"
#include "mono.h"
#include "report.h"
#include "tables.h"

struct event;
struct event_base;
struct bpf_program_set;  /* bpf_object.h: the loaded program and its maps */
struct state;            /* state.h: exceptions and blocks added at run time */
struct events;           /* events.h: ring buffer, log lines, history */
struct sweep;            /* sweep.h: the source table, read in slices */
struct connections_sync; /* connections_sync.h: live connections */
struct link_watch;       /* link_watch.h */
struct control_server;   /* control_server.h */
struct metrics_server;   /* metrics_server.h */
struct policy;           /* policy.h: counters and decisions about messages */
struct policy_server;    /* policy_server.h: Postfix' connections */
struct milter_reports;   /* milter_reports.h */
struct evidence;         /* evidence.h: what advice about limits is made from */

/* What happens to the packet path when the agent leaves. */
enum daemon_leave {
	DAEMON_DETACH, /* links, pins and sockets go: nothing stays in force */
	DAEMON_KEEP,   /* links and pins stay, for the next start to adopt */
	DAEMON_AGAIN,  /* as DAEMON_KEEP; and the service manager is asked for the next start */
};

#define DAEMON_SIGNALS 4 /* SIGHUP, SIGTERM, SIGINT, SIGUSR1 */

struct daemon {
	struct config *config;       /* in force */
	struct sa_settings settings; /* in force; what the settings table holds */
	bool verbose;

	int pins; /* bpf_directory, locked; also the working directory */
	struct bpf_program_set *program;
	struct tables tables;
	struct interfaces interfaces;
	struct link_watch *watch;
	enum config_xdp_mode xdp_mode; /* as at the start: a reload does not change it */
	struct config *started_with;   /* NULL until a reload put another one in force; no lists */

	struct event_base *loop;
	struct event *signals[DAEMON_SIGNALS];
	struct event *watchdog;
	enum daemon_leave leave;
	bool adopted; /* the tables are an earlier agent's */
	bool running; /* the start succeeded */

	struct state *state;
	struct events *events;
	struct evidence *evidence; /* the sweep and policy requests feed it */
	struct sweep *sweep;
	struct connections_sync *connections;
	struct control_server *control;
	struct metrics_server *metrics; /* NULL if off */
	struct policy *policy;
	struct policy_server *policy_server;
	struct milter_reports *milter; /* NULL if that failed */
	struct milter_totals milter_totals;
	int milter_store_error; /* the last, or 0 */

	struct mono_ms started;
	struct wall_ms
		reload_succeeded; /* last time a configuration came into force; the start counts */
	bool reload_ok;           /* the last reload (or the start) succeeded */
};

/*
 * Brings the agent up from nothing: takes over config, loads or adopts the packet path, drops
 * privileges. Logs why it failed; then what an earlier agent left in force still is. daemon_done is
 * due in either case.
 */
int daemon_start(struct daemon *daemon, struct config *config, bool verbose);

/*
 * Keeps the signals that daemon_start will handle waiting until then: one that arrives before would
 * end the agent and leave in force what an earlier one left.
 */
void daemon_hold_signals(bool hold);

/* Tells the service manager that the agent is at work, and in which mode. */
void daemon_tell_ready(const struct daemon *daemon);

/* Serves until daemon_stop. 0 or -errno. */
int daemon_run(struct daemon *daemon);

/* Leaves as daemon->leave says and frees everything. */
void daemon_done(struct daemon *daemon);

/*
 * Reads the configuration file anew and puts it in force, or changes nothing. report gets errors,
 * warnings and what waits for the next start. Returns 0, or -errno with at least one error in
 * report. Logs one line about the outcome.
 */
int daemon_reload(struct daemon *daemon, struct report *report);

/*
 * Leaves the loop soon: a reply written to a control connection before is still sent. Called again,
 * the more recent leave holds.
 */
void daemon_stop(struct daemon *daemon, enum daemon_leave leave);

/* clang-format off: a list */
/*
 * What the parts do that daemon.c puts together; each is declared in its own header:
 *
 *   int state_new(struct daemon *, const char *directory, struct state **ret_state);
 *           reads the directory (creates it if need be), makes the run-time and block tries hold
 * what it says int state_move(struct state *, const char *directory);      after a reload that
 * changed state_directory struct state *state_free(struct state *); int events_new(struct daemon *,
 * struct events **ret_events); struct events *events_free(struct events *); int sweep_new(struct
 * daemon *, struct sweep **ret_sweep); struct sweep *sweep_free(struct sweep *); int
 * control_server_new(struct daemon *, const char *path, const char *group, struct control_server
 * **ret_server); struct control_server *control_server_free(struct control_server *); unlinks the
 * socket; from inside a command the pending reply is still sent, it frees itself afterwards int
 * metrics_server_new(struct daemon *, const char *listen, struct metrics_server *replaced, struct
 * metrics_server **ret_server);
 *   struct metrics_server *metrics_server_free(struct metrics_server *);
 *
 * The *_new functions add their events to daemon->loop and return 0 or -errno, logging nothing. A
 * server is made while its predecessor still listens elsewhere: a reload makes all of the new
 * first, then frees the old.
 */
/* clang-format on */

#endif
