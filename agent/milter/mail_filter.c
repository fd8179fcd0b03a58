/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Callbacks. Header fields are not answered one by one, and a message that is to stay as it is
 * is let go at the end of its header: two round trips a message.
 */
#include "mail_filter.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "log.h"

#define FILTER_NAME "synanvil-milter"

/* The mail server keeps a connection as long as its client's, and tells nothing while the client
 * sends a large message slowly. */
#define TIMEOUT_S 7200

/* How often the one that listens is woken when all is to end. */
#define KNOCK_MS 20

/*
 * Steps of the protocol that have nothing for us; and those that we do not answer. MAIL and DATA
 * have next to nothing either, but left out they would save one packet in twenty, and the queue id
 * comes with DATA.
 */
#define STEPS_LEFT_OUT   (SMFIP_NOHELO | SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOUNKNOWN)
#define STEPS_UNANSWERED (SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR)

struct connection {
	unsigned long steps; /* what was agreed upon */
	char *name;          /* of the client, as the mail server gave it */
	struct header_judgement judgement;
	struct header_message message;
	bool open; /* a message has begun */
};

/* libmilter gives its callbacks nothing of ours but what they have stored at a connection. */
static struct milter *served;

static sfsistat go_on(const struct connection *connection, unsigned long unanswered)
{
	return connection->steps & unanswered ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* --- connections --- */

/*
 * Postfix sends a packet of macros with each step, also with those left out and with each header
 * field, and whatever is asked for; but one without any is small. The queue id is all that is
 * wanted, once; a list must have a name, so the others have one that no server knows.
 */
static void macros_ask(SMFICTX *context)
{
	static const int unwanted[] = { SMFIM_CONNECT, SMFIM_HELO, SMFIM_ENVFROM,
					SMFIM_ENVRCPT, SMFIM_EOH,  SMFIM_EOM };
	static char nothing[] = "{synanvil}", queue_id[] = "i";

	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		(void)smfi_setsymlist(context, unwanted[i], nothing);
	(void)smfi_setsymlist(context, SMFIM_DATA, queue_id);
}

/*
 * Over TCP our answer to DATA carries the acknowledgement of all before: the header is sent by
 * another process of Postfix (cleanup) in small segments, and the first of them would wait for the
 * delayed acknowledgement, 40 ms. A UNIX socket has no such wait, and no need of an answer.
 */
static unsigned long steps_wanted(void)
{
	const unsigned long data = served->over_tcp ? 0 : SMFIP_NR_DATA;

	return STEPS_LEFT_OUT | STEPS_UNANSWERED | SMFIP_HDR_LEADSPC | data;
}

static sfsistat on_negotiate(SMFICTX *context, unsigned long actions, unsigned long steps,
			     unsigned long f2, unsigned long f3, unsigned long *ret_actions,
			     unsigned long *ret_steps, unsigned long *ret_f2, unsigned long *ret_f3)
{
	struct connection *connection;

	(void)f2, (void)f3;
	if (!(actions & SMFIF_CHGHDRS))
		return SMFIS_REJECT;
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		return SMFIS_REJECT;
	connection->steps = steps & steps_wanted();
	if (smfi_setpriv(context, connection) != MI_SUCCESS) {
		free(connection);
		return SMFIS_REJECT;
	}
	*ret_actions = SMFIF_CHGHDRS | (actions & SMFIF_SETSYMLIST);
	if (actions & SMFIF_SETSYMLIST)
		macros_ask(context);
	*ret_steps = connection->steps;
	*ret_f2 = 0;
	*ret_f3 = 0;
	return SMFIS_CONTINUE;
}

static void address_set(struct header_judgement *judgement, const struct sockaddr *address)
{
	const struct sockaddr_in *ipv4 = (const void *)address;
	const struct sockaddr_in6 *ipv6 = (const void *)address;
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

	if (address && address->sa_family == AF_INET)
		memcpy(bytes + 12, &ipv4->sin_addr, 4);
	else if (address && address->sa_family == AF_INET6)
		memcpy(bytes, &ipv6->sin6_addr, sizeof(bytes));
	else
		return;
	memcpy(&judgement->address, bytes, sizeof(bytes));
	judgement->known = true;
}

static sfsistat on_connect(SMFICTX *context, char *name, _SOCK_ADDR *address)
{
	struct connection *connection = smfi_getpriv(context);

	if (!connection)
		return SMFIS_ACCEPT;
	address_set(&connection->judgement, address);
	free(connection->name);
	/* Sendmail puts the address there, in brackets, where there is no verified name. */
	connection->name = strdup(name && *name != '[' ? name : "unknown");
	connection->judgement.name = connection->name;
	return go_on(connection, SMFIP_NR_CONN);
}

static sfsistat on_close(SMFICTX *context)
{
	struct connection *connection = smfi_getpriv(context);

	if (!connection)
		return SMFIS_CONTINUE;
	(void)smfi_setpriv(context, NULL);
	header_message_done(&connection->message);
	free(connection->name);
	free(connection);
	return SMFIS_CONTINUE;
}

/* --- messages --- */

/* libmilter lets a peer begin a message that has agreed upon nothing: then there is no connection,
 * and nothing is done. */

static void message_begin(struct connection *connection)
{
	header_rules_judge(&served->rules, &connection->judgement);
	header_message_begin(&connection->message, &connection->judgement.limits,
			     connection->judgement.exempt);
	connection->open = true;
}

static void message_end(struct connection *connection)
{
	header_message_done(&connection->message);
	connection->open = false;
}

static sfsistat on_mail(SMFICTX *context, char **arguments)
{
	struct connection *connection = smfi_getpriv(context);

	(void)arguments;
	if (!connection)
		return SMFIS_ACCEPT;
	message_begin(connection);
	return go_on(connection, SMFIP_NR_MAIL);
}

static sfsistat on_data(SMFICTX *context)
{
	const struct connection *connection = smfi_getpriv(context);

	return connection ? go_on(connection, SMFIP_NR_DATA) : SMFIS_ACCEPT;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
	struct connection *connection = smfi_getpriv(context);
	struct header_field field = {
		.name = name,
		.name_size = strlen(name),
		.value = value,
		.value_size = strlen(value),
	};

	if (!connection)
		return SMFIS_ACCEPT;
	field.blank_eaten = !(connection->steps & SMFIP_HDR_LEADSPC);
	if (!connection->open)
		message_begin(connection);
	header_message_field(&connection->message, &served->key, &field);
	return go_on(connection, SMFIP_NR_HDR);
}

/* One line for the postmaster who looks for a header's end, or for a message. */
static void log_action(SMFICTX *context, const struct connection *connection,
		       enum milter_action action)
{
	static char queue_id_name[] = "i";
	const struct header_message *message = &connection->message;
	const char *queue_id = smfi_getsymval(context, queue_id_name);
	const bool monitor = message->limits.monitor;
	char address[PREFIX_TEXT_SIZE] = "unknown";
	unsigned long omitted;

	if (!log_share_take(&served->log, mono_now(), &omitted))
		return;
	if (omitted > 0)
		log_info("%lu more messages cut or refused", omitted);
	if (connection->judgement.known)
		address_format(&connection->judgement.address, address);
	if (action == MILTER_TRUNCATE || action == MILTER_WOULD_TRUNCATE)
		log_info("%s%s: header field of %zu bytes cut, limit %zu, from %s[%s]",
			 monitor ? "would do: " : "", queue_id ? queue_id : "no queue id",
			 message->longest, message->limits.field_bytes,
			 connection->name ? connection->name : "unknown", address);
	else
		log_info("%s%s: refused, %s, from %s[%s]", monitor ? "would do: " : "",
			 queue_id ? queue_id : "no queue id", header_excess_text(message->refused),
			 connection->name ? connection->name : "unknown", address);
}

static void account(SMFICTX *context, const struct connection *connection,
		    enum milter_action action)
{
	message_counts_add(&served->counts, action);
	if (action != MILTER_ACCEPT)
		log_action(context, connection, action);
}

static sfsistat refuse(SMFICTX *context, const struct connection *connection)
{
	static char code[] = "552", extended[] = "5.3.4";
	char text[64];

	(void)snprintf(text, sizeof(text), "%s", header_excess_text(connection->message.refused));
	(void)smfi_setreply(context, code, extended, text);
	return SMFIS_REJECT;
}

static sfsistat on_end_of_header(SMFICTX *context)
{
	struct connection *connection = smfi_getpriv(context);
	sfsistat status = SMFIS_ACCEPT;
	enum milter_action action;

	if (!connection)
		return SMFIS_ACCEPT;
	if (!connection->open)
		message_begin(connection);
	action = header_message_action(&connection->message);
	/* Changes are for the end of the message. */
	if (action == MILTER_TRUNCATE)
		return SMFIS_CONTINUE;
	account(context, connection, action);
	if (action == MILTER_REJECT)
		status = refuse(context, connection);
	message_end(connection);
	return status;
}

/* From the last edit to the first: one that removes a field renumbers only those behind it. */
static bool edits_apply(SMFICTX *context, const struct header_message *message)
{
	for (size_t i = message->edit_count; i > 0; i--) {
		const struct header_edit *edit = &message->edits[i - 1];

		if (smfi_chgheader(context, edit->name, (int)edit->occurrence, edit->value) !=
		    MI_SUCCESS)
			return false;
	}
	return true;
}

static sfsistat on_end_of_message(SMFICTX *context)
{
	struct connection *connection = smfi_getpriv(context);
	enum milter_action action;

	if (!connection || !connection->open)
		return SMFIS_ACCEPT;
	action = header_message_action(&connection->message);
	/* The mail server has gone, or does not take what it has agreed to: no reason to refuse
	 * mail. */
	if (action == MILTER_TRUNCATE && !edits_apply(context, &connection->message)) {
		log_warning("the mail server takes no changes of the header");
		action = MILTER_ACCEPT;
	}
	account(context, connection, action);
	message_end(connection);
	return SMFIS_ACCEPT;
}

static sfsistat on_abort(SMFICTX *context)
{
	struct connection *connection = smfi_getpriv(context);

	if (connection)
		message_end(connection);
	return SMFIS_CONTINUE;
}

/* A connection that wakes the one who waits for connections. */
static void knock(int listening)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);

	if (getsockname(listening, (struct sockaddr *)&address, &size) < 0)
		return;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		(void)!connect(fd, (const struct sockaddr *)&address, size);
}

static void *stop(void *unused)
{
	(void)unused;
	(void)smfi_stop();
	return NULL;
}

/* smfi_stop notes what is wanted and then waits for the one that listens, who holds its lock. */
void mail_filter_stop(const struct milter *milter)
{
	static const struct timespec pause = { .tv_nsec = KNOCK_MS * 1000000L };
	pthread_t thread;

	if (pthread_create(&thread, NULL, stop, NULL))
		return;
	while (!atomic_load(&milter->stopped)) {
		knock(milter->listening);
		(void)nanosleep(&pause, NULL);
	}
	(void)pthread_join(thread, NULL);
}

int mail_filter_run(struct milter *milter)
{
	static char name[] = FILTER_NAME;
	const struct smfiDesc description = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_CHGHDRS,
		.xxfi_connect = on_connect,
		.xxfi_envfrom = on_mail,
		.xxfi_data = on_data,
		.xxfi_header = on_header,
		.xxfi_eoh = on_end_of_header,
		.xxfi_eom = on_end_of_message,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};
	char socket[32];
	int error = 0;

	served = milter;
	(void)snprintf(socket, sizeof(socket), "fd:%d", milter->listening);
	if (smfi_register(description) != MI_SUCCESS || smfi_setconn(socket) != MI_SUCCESS ||
	    smfi_settimeout(TIMEOUT_S) != MI_SUCCESS || smfi_main() != MI_SUCCESS)
		error = -EIO;
	atomic_store(&milter->stopped, true);
	return error;
}
