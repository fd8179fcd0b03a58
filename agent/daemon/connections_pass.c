/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connections_pass.h"

#include <errno.h>

#include "connection_match.h"

/* What a first pass has entered too much is gone within so many. */
#define SETTLING_PASSES 2

void connections_pass_note_error(struct connections_pass *pass, int error)
{
	if (error && !pass->error)
		pass->error = error;
}

void connections_pass_begin(struct connections_pass *pass)
{
	pass->epoch = pass->settings->epoch;
	pass->error = 0;
	pass->cursor = (struct tables_cursor){ 0 };
	cookie_set_clear(&pass->listed);
	cookie_set_clear(&pass->missing);
	cookie_set_clear(&pass->unlisted);
}

/* Reported where the table is full: each connection once, though every pass tries again. */
static bool enter(struct connections_pass *pass, const struct sa_connection_key *key,
		  const struct sa_connection *connection)
{
	int error;

	pass->entering = true;
	tables_live_look_always(pass->tables);
	error = tables_connection_enter(pass->tables, key, connection);
	if (error == -E2BIG) {
		if (!cookie_set_has(&pass->missing_before, key->cookie))
			tables_live_miss(pass->tables);
		connections_pass_note_error(pass, cookie_set_add(&pass->missing, key->cookie));
	} else if (error != -EEXIST) {
		connections_pass_note_error(pass, error);
	}
	return error == 0;
}

static void note_late(struct connections_pass *pass)
{
	if (pass->settling)
		return;
	if (pass->awaited)
		pass->awaited--;
	else
		pass->drift++;
}

void connections_pass_socket(struct connections_pass *pass, const struct sock_diag_socket *socket)
{
	const struct sa_connection_key key = { .cookie = socket->cookie, .epoch = pass->epoch };
	struct sa_connection connection, entry;
	int known;

	if (!connection_match(pass->settings, socket, &connection))
		return;
	connections_pass_note_error(pass, cookie_set_add(&pass->listed, socket->cookie));
	known = tables_connection_read(pass->tables, &key, &entry);
	if (known != -ENOENT) {
		connections_pass_note_error(pass, known);
	} else if (pass->fills) {
		(void)enter(pass, &key, &connection);
	} else if (cookie_set_has(&pass->missing_before, socket->cookie)) {
		if (enter(pass, &key, &connection))
			note_late(pass);
	} else {
		connections_pass_note_error(pass, cookie_set_add(&pass->missing, socket->cookie));
	}
}

static bool leave(struct connections_pass *pass, const struct sa_connection_key *key)
{
	int error = tables_connection_leave(pass->tables, key);

	if (error != -ENOENT)
		connections_pass_note_error(pass, error);
	return error == 0;
}

/* Entries of other epochs are counted by nobody any more; all their connections have new ones. */
static void entry_found(struct connections_pass *pass, const struct sa_connection_key *key)
{
	const bool listed = key->epoch == pass->epoch && cookie_set_has(&pass->listed, key->cookie);

	if (listed)
		return;
	if (key->epoch != pass->epoch || pass->alone) {
		(void)leave(pass, key);
	} else if (cookie_set_has(&pass->unlisted_before, key->cookie)) {
		if (leave(pass, key) && !pass->settling)
			pass->drift++;
	} else {
		connections_pass_note_error(pass, cookie_set_add(&pass->unlisted, key->cookie));
	}
}

int connections_pass_walk(struct connections_pass *pass)
{
	size_t count = 0;
	int more = tables_connections_batch(pass->tables, &pass->cursor, pass->keys, pass->values,
					    CONNECTIONS_SLICE, &count);

	for (size_t i = 0; more >= 0 && i < count; i++)
		entry_found(pass, &pass->keys[i]);
	return more;
}

static void sets_turn(struct cookie_set *before, struct cookie_set *now)
{
	const struct cookie_set spare = *before;

	*before = *now;
	*now = spare;
}

void connections_pass_end(struct connections_pass *pass)
{
	if (pass->entering)
		tables_live_look_anew(pass->tables);
	pass->entering = false;
	if (pass->error)
		return;
	if (pass->missing.count == 0)
		pass->awaited = 0;
	sets_turn(&pass->missing_before, &pass->missing);
	sets_turn(&pass->unlisted_before, &pass->unlisted);
	if (pass->fills)
		pass->settling = SETTLING_PASSES;
	else if (pass->settling)
		pass->settling--;
	pass->fills = pass->alone;
	tables_live_epoch_kept(pass->tables, pass->epoch);
}

void connections_pass_start_over(struct connections_pass *pass)
{
	pass->fills = true;
	cookie_set_clear(&pass->missing_before);
	cookie_set_clear(&pass->unlisted_before);
}

void connections_pass_forget(struct connections_pass *pass)
{
	connections_pass_begin(pass);
	pass->epoch = 0; /* of no entry */
	while (connections_pass_walk(pass) > 0)
		continue;
}

void connections_pass_done(struct connections_pass *pass)
{
	cookie_set_done(&pass->listed);
	cookie_set_done(&pass->missing);
	cookie_set_done(&pass->unlisted);
	cookie_set_done(&pass->missing_before);
	cookie_set_done(&pass->unlisted_before);
}
