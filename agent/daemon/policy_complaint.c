/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words for a peer, and the measure of lines about it.
 */
#include "policy_complaint.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "prefix.h"

#define EVERY_MS 1000

/* Who is at the other end, for the log. */
static void peer_format(int fd, char *text, size_t size)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t peer_size = sizeof(peer);
	struct sa_address address = { 0 };
	char host[PREFIX_TEXT_SIZE];
	struct ucred process;

	if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) < 0) {
		(void)snprintf(text, size, "a peer that is gone");
	} else if (peer.ss_family == AF_INET6) {
		const struct sockaddr_in6 *inet6 = (const struct sockaddr_in6 *)&peer;

		memcpy(&address, &inet6->sin6_addr, sizeof(address));
		address_format(&address, host);
		(void)snprintf(text, size, "[%s]:%u", host, ntohs(inet6->sin6_port));
	} else if (peer.ss_family == AF_INET) {
		const struct sockaddr_in *inet = (const struct sockaddr_in *)&peer;

		memset((char *)&address + 10, 0xff, 2);
		memcpy((char *)&address + 12, &inet->sin_addr, sizeof(inet->sin_addr));
		address_format(&address, host);
		(void)snprintf(text, size, "%s:%u", host, ntohs(inet->sin_port));
	} else {
		peer_size = sizeof(process);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &process, &peer_size) < 0)
			process.pid = 0;
		(void)snprintf(text, size, "process %d", (int)process.pid);
	}
}

void policy_complain(struct policy_complaints *complaints, int fd, const char *why)
{
	const struct mono_ms now = mono_now();
	char peer[PREFIX_TEXT_SIZE + 32];

	if (complaints->last.ms && now.ms - complaints->last.ms < EVERY_MS) {
		complaints->unsaid++;
		return;
	}
	peer_format(fd, peer, sizeof(peer));
	if (complaints->unsaid)
		log_warning("policy service: connection of %s closed: %s (and %llu others before)",
			    peer, why, (unsigned long long)complaints->unsaid);
	else
		log_warning("policy service: connection of %s closed: %s", peer, why);
	*complaints = (struct policy_complaints){ .last = now };
}
