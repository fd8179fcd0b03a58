/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From policy_listen to sockets.
 */
#include "policy_listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "tcp_listener.h"

#define BACKLOG SOMAXCONN

/*
 * Everybody who can reach the name may ask, as with the TCP socket: smtpd is another user. The
 * directory says who can.
 */
#define SOCKET_MODE 0666

#define SEPARATORS  ", \t\n\v\f\r"

struct plan {
	struct policy_listener *current;
	struct policy_listener *fresh;
	struct mono_ms deadline; /* for names */
	struct explanation *why;
};

/* Where the agent may not look since it dropped its privileges (Postfix' private directory), the
 * name is as it was: in its place there could be no other one anyhow. */
static bool node_there(const struct unix_node *node)
{
	struct stat status;

	if (lstat(node->path, &status) < 0)
		return errno == EACCES;
	return status.st_dev == node->device && status.st_ino == node->inode;
}

/* Whether the address is listened on already; then it goes on. */
static bool listener_keep(struct policy_listener *list, const struct sockaddr *address,
			  socklen_t size)
{
	for (; list; list = list->next) {
		if (list->paused || list->address_size != size ||
		    memcmp(&list->address, address, size) != 0)
			continue;
		if (list->node.path && !node_there(&list->node))
			continue;
		list->wanted = true;
		return true;
	}
	return false;
}

/*
 * Those that the list has not named so far and that have the port; false: there are none. One that
 * the list names later is made anew then, or refused if it overlaps with one named before.
 */
static bool listeners_pause(struct policy_listener *current, const struct sockaddr *address)
{
	bool any = false;

	for (; current; current = current->next) {
		if (current->wanted || current->paused ||
		    !tcp_same_port(address, (const struct sockaddr *)&current->address))
			continue;
		tcp_pause(current->fd);
		current->paused = any = true;
	}
	return any;
}

static void listeners_resume(struct policy_listener *current)
{
	for (; current; current = current->next) {
		int error;

		if (!current->paused)
			continue;
		error = tcp_resume(current->fd, BACKLOG);
		/* Then the next plan makes it anew. */
		current->paused = error != 0;
		if (error)
			log_error("policy_listen: cannot listen on a port any more: %s",
				  strerror(-error));
	}
}

static int socket_open(struct policy_listener *listener, const struct sockaddr *address,
		       socklen_t size, bool early)
{
	const struct unix_access access = { SOCKET_MODE, (gid_t)-1 };

	if (address->sa_family == AF_UNIX)
		return unix_listen(((const struct sockaddr_un *)address)->sun_path, &access,
				   BACKLOG, &listener->node, &listener->fd);
	return early ? tcp_listen_early(address, size, BACKLOG, &listener->fd)
		     : tcp_listen(address, size, BACKLOG, &listener->fd);
}

static int listener_add(struct plan *plan, const struct sockaddr *address, socklen_t size,
			bool early)
{
	struct policy_listener *listener;
	int error;

	if (listener_keep(plan->current, address, size) ||
	    listener_keep(plan->fresh, address, size))
		return 0;
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	memcpy(&listener->address, address, size);
	listener->address_size = size;
	listener->wanted = true;
	listener->fd = -1;
	error = socket_open(listener, address, size, early);
	if (error == -EADDRINUSE && listeners_pause(plan->current, address))
		error = socket_open(listener, address, size, early);
	if (error) {
		policy_listener_free(listener);
		return error;
	}
	listener->next = plan->fresh;
	plan->fresh = listener;
	return 0;
}

static int unix_add(struct plan *plan, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	return listener_add(plan, (const struct sockaddr *)&address, sizeof(address), false);
}

/* At a boot the host gets its addresses after the agent was started. */
static int inet_add_early(struct plan *plan, const char *text, const struct addrinfo *addresses)
{
	int error = -EADDRNOTAVAIL;

	for (const struct addrinfo *one = addresses; one; one = one->ai_next) {
		error = listener_add(plan, one->ai_addr, one->ai_addrlen, true);
		if (error)
			return error;
	}
	log_warning("policy_listen: inet:%s is no address of this host now; it is listened on "
		    "there as soon as it is one",
		    text);
	return error;
}

/* All addresses of a name that this host has; one is enough. Where it has none, all of them: it may
 * get them. */
static int inet_add(struct plan *plan, const char *text)
{
	struct addrinfo *addresses;
	bool any = false;
	int error = tcp_resolve(text, plan->deadline, &addresses), missing = 0;

	if (error)
		return error;
	for (const struct addrinfo *one = addresses; one && !error; one = one->ai_next) {
		error = listener_add(plan, one->ai_addr, one->ai_addrlen, false);
		any |= !error;
		if (error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT) {
			missing = error;
			error = 0;
		}
	}
	if (!error && !any)
		error = missing == -EADDRNOTAVAIL ? inet_add_early(plan, text, addresses) : missing;
	freeaddrinfo(addresses);
	return error;
}

static int explain_error(struct explanation *why, const char *word, int error)
{
	switch (-error) {
	case EADDRINUSE:
		return explain(why, error, "%s is in use by another program", word);
	case EEXIST:
		return explain(why, error, "%s exists and is not a socket", word);
	case EINVAL:
		return explain(why, error, "%s: no such host or port", word);
	case EAGAIN:
		return explain(why, error, "%s: the name service failed; an address needs none",
			       word);
	case ETIMEDOUT:
		return explain(
			why, error,
			"%s: the name service does not answer in time; an address needs none",
			word);
	case EACCES:
	case EPERM:
		return explain(why, error,
			       "may not listen on %s: %s; at a start as root it may "
			       "(synanvil restart)",
			       word, strerror(-error));
	default:
		return explain(why, error, "cannot listen on %s: %s", word, strerror(-error));
	}
}

static int explain_failure(struct explanation *why, const char *word, int error)
{
	return explain_parameter(why, explain_error(why, word, error), "policy_listen");
}

static int word_add(struct plan *plan, const char *word)
{
	static const char inet[] = "inet:", local[] = "unix:";
	int error = -EINVAL;

	if (strncmp(word, local, sizeof(local) - 1) == 0)
		error = unix_add(plan, word + sizeof(local) - 1);
	else if (strncmp(word, inet, sizeof(inet) - 1) == 0)
		error = inet_add(plan, word + sizeof(inet) - 1);
	return error ? explain_failure(plan->why, word, error) : 0;
}

int policy_listeners_plan(const char *list, struct policy_listener *current,
			  struct policy_listener **ret_fresh, struct explanation *reterr_why)
{
	const uint64_t patience = current ? POLICY_LOOKUP_MS : POLICY_FIRST_LOOKUP_MS;
	struct plan plan = {
		.current = current,
		.deadline = { mono_now().ms + patience },
		.why = reterr_why,
	};
	_cleanup_free_ char *copy = strdup(list);
	char *rest = NULL;
	int error = copy ? 0 : explain(reterr_why, -ENOMEM, "out of memory");

	for (struct policy_listener *one = current; one; one = one->next)
		one->wanted = false;
	for (const char *word = copy ? strtok_r(copy, SEPARATORS, &rest) : NULL; word && !error;
	     word = strtok_r(NULL, SEPARATORS, &rest))
		error = word_add(&plan, word);
	if (error) {
		policy_listeners_discard(plan.fresh, current);
		plan.fresh = NULL;
	}
	*ret_fresh = plan.fresh;
	return error;
}

void policy_listeners_discard(struct policy_listener *fresh, struct policy_listener *current)
{
	while (fresh) {
		struct policy_listener *one = fresh;

		fresh = one->next;
		policy_listener_free(one);
	}
	/* Not before: they overlap. */
	listeners_resume(current);
}

void policy_listener_free(struct policy_listener *listener)
{
	int error;

	if (listener->fd >= 0)
		(void)close(listener->fd);
	/* In a directory that is another user's the name stays; nobody answers there, and the next
	 * start takes it over. */
	error = unix_unlisten(&listener->node);
	if (error)
		log_debug("a name of policy_listen stays: %s", strerror(-error));
	free(listener);
}
