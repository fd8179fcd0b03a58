/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * milter_least PATH: what the milter protocol costs Postfix without libmilter. One thread serves
 * all connections at a UNIX socket, reads what there is and answers only what has to be answered:
 * the offer, and the end of the header. Agrees upon what synanvil-milter agrees upon there.
 */
#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define EVENTS      256
#define BUFFER_SIZE (128UL * 1024)
#define WORD        sizeof(uint32_t)

#define ACTIONS     (SMFIF_CHGHDRS | SMFIF_SETSYMLIST)
#define STEPS                                                                           \
	(SMFIP_NOHELO | SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOUNKNOWN | SMFIP_NR_DATA | \
	 SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_HDR_LEADSPC)

struct peer {
	int fd;
	size_t used;
	unsigned char data[BUFFER_SIZE];
};

static void fatal(void)
{
	perror("milter_least");
	exit(1);
}

static unsigned char *word_put(unsigned char *at, unsigned long value)
{
	const uint32_t word = htonl((uint32_t)value);

	memcpy(at, &word, WORD);
	return at + WORD;
}

/* What is agreed upon; a name of no macro for each stage. */
static void offer_answer(int fd)
{
	static const char nothing[] = "{least}";
	unsigned char packet[256], *end = packet + WORD;

	*end++ = SMFIC_OPTNEG;
	end = word_put(end, SMFI_PROT_VERSION);
	end = word_put(end, ACTIONS);
	end = word_put(end, STEPS);
	for (unsigned long stage = SMFIM_FIRST; stage <= SMFIM_LAST; stage++) {
		end = word_put(end, stage);
		memcpy(end, nothing, sizeof(nothing));
		end += sizeof(nothing);
	}
	(void)word_put(packet, (unsigned long)(end - packet) - WORD);
	(void)!write(fd, packet, (size_t)(end - packet));
}

static void leave(struct peer *peer)
{
	(void)close(peer->fd);
	free(peer);
}

/* False when the peer wants to go, or says what is none of the protocol. */
static bool packets_answer(struct peer *peer)
{
	static const unsigned char accept_it[] = { 0, 0, 0, 1, SMFIR_ACCEPT };
	size_t done = 0;
	uint32_t size;

	for (; peer->used - done > WORD; done += WORD + size) {
		memcpy(&size, peer->data + done, WORD);
		size = ntohl(size);
		if (size == 0 || size > BUFFER_SIZE - WORD)
			return false;
		if (peer->used - done < WORD + size)
			break;
		switch (peer->data[done + WORD]) {
		case SMFIC_OPTNEG:
			offer_answer(peer->fd);
			break;
		case SMFIC_EOH:
			(void)!write(peer->fd, accept_it, sizeof(accept_it));
			break;
		case SMFIC_QUIT:
			return false;
		default:
			break;
		}
	}
	memmove(peer->data, peer->data + done, peer->used - done);
	peer->used -= done;
	return true;
}

static void serve(struct peer *peer)
{
	const ssize_t got =
		read(peer->fd, peer->data + peer->used, sizeof(peer->data) - peer->used);

	if (got > 0)
		peer->used += (size_t)got;
	if (got <= 0 || !packets_answer(peer))
		leave(peer);
}

static void watch(int epoll, int fd, struct peer *peer)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		fatal();
}

static void welcome(int epoll, int listening)
{
	const int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	struct peer *peer;

	if (fd < 0)
		return;
	peer = malloc(sizeof(*peer));
	if (!peer)
		fatal();
	peer->fd = fd;
	peer->used = 0;
	watch(epoll, fd, peer);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct epoll_event events[EVENTS];

	if (argc != 2) {
		(void)fputs("usage: milter_least PATH\n", stderr);
		return 2;
	}
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	(void)umask(0);
	if (epoll < 0 || listening < 0 ||
	    bind(listening, (const struct sockaddr *)&address, sizeof(address)) ||
	    listen(listening, 1024))
		fatal();
	watch(epoll, listening, NULL);
	for (;;) {
		const int count = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				serve(events[i].data.ptr);
			else
				welcome(epoll, listening);
		}
	}
}
