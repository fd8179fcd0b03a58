/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The owner of the run-time rules. Every change goes the same way: new set, file, kernel, and back
 * if that fails.
 */
#include "state.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "log.h"
#include "rule_tries.h"
#include "state_file.h"

/* How often the wall clock is looked at. */
#define CHECK_SECONDS 5

/*
 * Ended blocks are forgotten at most this often, and only this long after their end: a wall clock
 * that was wrong for a while, as at boot, loses none.
 */
#define PRUNE_INTERVAL_MS 60000
#define PRUNE_AFTER_MS    (15 * 60000L)

struct state {
	struct daemon *daemon;
	struct event *timer;
	int directory;
	char *path;
	struct state_rules rules;
	struct rule_tries tries;
	uint64_t pruned_ms;
	int reported; /* the error that the timer last complained about */
};

static struct rule_set *list_of(struct state *state, enum rule_list list)
{
	return list == RULE_EXCEPTIONS ? &state->rules.exceptions : &state->rules.blocks;
}

/* --- changes --- */

static void swap(struct rule_set *a, struct rule_set *b)
{
	const struct rule_set kept = *a;

	*a = *b;
	*b = kept;
}

__attribute__((format(printf, 3, 4))) static int refuse(char **reterr_message, int error,
							const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(reterr_message, format, arguments) < 0)
		*reterr_message = NULL;
	va_end(arguments);
	return error;
}

/* Takes set. On failure file and kernel are put back as far as they can be; the timer tries again.
 */
static int change(struct state *state, enum rule_list list, struct rule_set *set,
		  char **reterr_message)
{
	const struct wall_ms wall = wall_now();
	const struct mono_ms mono = mono_now();
	struct rule_set *slot = list_of(state, list);
	int error, failed;

	swap(slot, set);
	error = state_file_store(state->directory, &state->rules);
	failed = error;
	if (!failed)
		failed = rule_tries_apply(&state->tries, list, slot, wall, mono);
	if (!failed) {
		rule_set_done(set);
		return 0;
	}
	swap(slot, set);
	rule_set_done(set);
	(void)state_file_store(state->directory, &state->rules);
	if (error)
		return refuse(reterr_message, error, "nothing was changed: %s/%s: %s", state->path,
			      STATE_FILE_NAME, strerror(-error));
	(void)rule_tries_apply(&state->tries, list, slot, wall, mono);
	return refuse(reterr_message, failed, "nothing was changed: the kernel's table: %s",
		      strerror(-failed));
}

static int add(struct state *state, enum rule_list list, const struct block_rule *rules,
	       size_t count, char **reterr_message)
{
	struct rule_set set;
	int error;

	*reterr_message = NULL;
	error = rule_set_add(list_of(state, list), rules, count, &set);
	if (error)
		return error;
	if (set.count >= SA_PREFIXES_MAX) {
		rule_set_done(&set);
		return refuse(reterr_message, -ENOSPC, "more than %d prefixes", SA_PREFIXES_MAX);
	}
	return change(state, list, &set, reterr_message);
}

int state_exceptions_add(struct state *state, const struct prefix *prefixes, size_t count,
			 char **reterr_message)
{
	_cleanup_free_ struct block_rule *rules = calloc(count + 1, sizeof(*rules));

	*reterr_message = NULL;
	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		rules[i] = (struct block_rule){ .prefix = prefixes[i], .ends_ms = INT64_MAX };
	return add(state, RULE_EXCEPTIONS, rules, count, reterr_message);
}

int state_blocks_add(struct state *state, const struct block_rule *rules, size_t count,
		     char **reterr_message)
{
	return add(state, RULE_BLOCKS, rules, count, reterr_message);
}

/* Why prefix cannot be deleted: nobody added it, or the configuration has it. */
static int refuse_missing(const struct state *state, enum rule_list list,
			  const struct prefix *prefix, char **reterr_message)
{
	const struct config_patterns *patterns = &state->daemon->config->exceptions;
	char text[PREFIX_TEXT_SIZE];

	prefix_format(prefix, text);
	for (size_t i = 0; list == RULE_EXCEPTIONS && i < patterns->count; i++) {
		const struct config_pattern *pattern = &patterns->items[i];

		if (!pattern->is_prefix || !prefix_equal(&pattern->prefix, prefix))
			continue;
		if (!pattern->origin.file)
			return refuse(reterr_message, -EPERM,
				      "%s is a default of the configuration: change it there",
				      text);
		return refuse(reterr_message, -EPERM,
			      "%s:%u: %s is in the configuration: change it there",
			      pattern->origin.file, pattern->origin.line, text);
	}
	return refuse(reterr_message, -ENOENT, "%s is not in the list of %s", text,
		      list == RULE_EXCEPTIONS ? "exceptions" : "blocks");
}

static int delete (struct state *state, enum rule_list list, const struct prefix *prefixes,
		   size_t count, char **reterr_message)
{
	struct rule_set set;
	size_t missing;
	int error;

	*reterr_message = NULL;
	error = rule_set_delete(list_of(state, list), prefixes, count, &set, &missing);
	if (error == -ENOENT)
		return refuse_missing(state, list, &prefixes[missing], reterr_message);
	if (error)
		return error;
	return change(state, list, &set, reterr_message);
}

int state_exceptions_delete(struct state *state, const struct prefix *prefixes, size_t count,
			    char **reterr_message)
{
	return delete (state, RULE_EXCEPTIONS, prefixes, count, reterr_message);
}

int state_blocks_delete(struct state *state, const struct prefix *prefixes, size_t count,
			char **reterr_message)
{
	return delete (state, RULE_BLOCKS, prefixes, count, reterr_message);
}

/* --- questions --- */

const struct rule_set *state_exceptions(const struct state *state)
{
	return &state->rules.exceptions;
}

const struct rule_set *state_blocks(const struct state *state)
{
	return &state->rules.blocks;
}

bool state_exempts(const struct state *state, const struct prefix *prefix)
{
	return rule_set_cover(&state->rules.exceptions, prefix, INT64_MIN) != NULL;
}

bool state_blocks_cover(const struct state *state, const struct prefix *prefix, int64_t wall_ms)
{
	return rule_set_cover(&state->rules.blocks, prefix, wall_ms) != NULL;
}

/* --- time --- */

static int prune(struct state *state, struct wall_ms wall, struct mono_ms mono)
{
	struct rule_set set;
	char *message = NULL;
	int error;

	if (mono.ms - state->pruned_ms < PRUNE_INTERVAL_MS)
		return 0;
	state->pruned_ms = mono.ms;
	if (!rule_set_ended(&state->rules.blocks, wall.ms - PRUNE_AFTER_MS))
		return 0;
	error = rule_set_prune(&state->rules.blocks, wall.ms - PRUNE_AFTER_MS, &set);
	if (!error)
		error = change(state, RULE_BLOCKS, &set, &message);
	free(message);
	return error;
}

int state_check(struct state *state, struct wall_ms wall, struct mono_ms mono)
{
	int error = 0;

	for (enum rule_list list = RULE_EXCEPTIONS; !error && list < RULE_LISTS; list++)
		if (rule_tries_stale(&state->tries, list, wall, mono))
			error = rule_tries_apply(&state->tries, list, list_of(state, list), wall,
						 mono);
	return error ? error : prune(state, wall, mono);
}

static void check_due(evutil_socket_t fd, short what, void *context)
{
	struct state *state = context;
	const int error = state_check(state, wall_now(), mono_now());

	(void)fd;
	(void)what;
	if (error && error != state->reported)
		log_warning("run-time exceptions and blocks: %s; trying again", strerror(-error));
	state->reported = error;
}

/* --- life --- */

static int directory_open(const char *path, int *ret_directory)
{
	int fd;

	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_directory = fd;
	return 0;
}

/* A file that is not whole is kept under another name, and told about. */
static int set_damaged_aside(int directory, const char *path, const struct state_rules *rules,
			     const struct state_damage *damage)
{
	char place[24] = "", name[64];
	const int error =
		state_file_set_aside(directory, "damaged", wall_now().ms, name, sizeof(name));

	if (error)
		return error;
	if (damage->line)
		(void)snprintf(place, sizeof(place), ":%u", damage->line);
	log_warning("%s/%s%s: damaged: %s; kept as %s; lines without a rule: %zu; "
		    "recovered: exceptions %zu, blocks %zu",
		    path, STATE_FILE_NAME, place, damage->reason, name, damage->bad_lines,
		    rules->exceptions.count, rules->blocks.count);
	return 0;
}

static int rules_load(struct state *state)
{
	struct state_damage damage;
	int error = state_file_load(state->directory, &state->rules, &damage);

	if (error || !damage.reason)
		return error;
	error = set_damaged_aside(state->directory, state->path, &state->rules, &damage);
	return error ? error : state_file_store(state->directory, &state->rules);
}

/* The tries that were pinned by an agent before go over to what the file says, without a gap. */
static int tries_adopt(struct state *state)
{
	int error = 0;

	rule_tries_init(&state->tries, &state->daemon->tables);
	for (enum rule_list list = RULE_EXCEPTIONS; !error && list < RULE_LISTS; list++)
		error = rule_tries_apply(&state->tries, list, list_of(state, list), wall_now(),
					 mono_now());
	return error;
}

static int timer_start(struct state *state)
{
	const struct timeval every = { .tv_sec = CHECK_SECONDS };

	state->timer = event_new(state->daemon->loop, -1, EV_PERSIST, check_due, state);
	return state->timer && event_add(state->timer, &every) == 0 ? 0 : -ENOMEM;
}

static void state_cleanup(struct state **state)
{
	(void)state_free(*state);
}

int state_new(struct daemon *daemon, const char *directory, struct state **ret_state)
{
	_cleanup_(state_cleanup) struct state *state = calloc(1, sizeof(*state));
	int error;

	if (!state)
		return -ENOMEM;
	state->daemon = daemon;
	state->directory = -1;
	state->path = strdup(directory);
	if (!state->path)
		return -ENOMEM;
	error = directory_open(directory, &state->directory);
	if (!error)
		error = rules_load(state);
	if (!error)
		error = tries_adopt(state);
	if (!error)
		error = timer_start(state);
	if (error)
		return error;
	*ret_state = TAKE_PTR(state);
	return 0;
}

int state_move(struct state *state, const char *directory)
{
	_cleanup_free_ char *path = strdup(directory);
	_cleanup_close_ int fd = -1;
	char name[64];
	int error, old;

	if (!path)
		return -ENOMEM;
	error = directory_open(directory, &fd);
	if (error)
		return error;
	/* When a failed reload moves back, nothing is replaced by anything else. */
	if (state_file_holds(fd, &state->rules))
		error = -ENOENT;
	else
		error = state_file_set_aside(fd, "replaced", wall_now().ms, name, sizeof(name));
	if (!error)
		log_warning("%s/%s: replaced by the rules in force; kept as %s", directory,
			    STATE_FILE_NAME, name);
	if (!error || error == -ENOENT)
		error = state_file_store(fd, &state->rules);
	if (error)
		return error;
	old = state->directory;
	state->directory = TAKE_FD(fd);
	fd = old;
	free(state->path);
	state->path = TAKE_PTR(path);
	return 0;
}

struct state *state_free(struct state *state)
{
	if (!state)
		return NULL;
	if (state->timer)
		event_free(state->timer);
	cleanup_close(&state->directory);
	rule_tries_done(&state->tries);
	state_rules_done(&state->rules);
	free(state->path);
	free(state);
	return NULL;
}
