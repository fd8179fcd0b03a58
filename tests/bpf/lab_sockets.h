/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real TCP sockets on the loopback of the network namespace that a test is in, and the programs
 * that count them. Functions that can fail end the test that called them.
 */
#ifndef TESTS_BPF_LAB_SOCKETS_H
#define TESTS_BPF_LAB_SOCKETS_H

#include "lab.h"

struct connections_bpf;

/* Which of the counting programs look at each change of a socket's state. */
enum looks {
	LOOKS_TRACED_TWICE,
	LOOKS_TOLD_AND_TRACED,
	LOOKS_TOLD, /* the sockets' own word alone */
	LOOKS,
};

/* Whether they can be attached here. */
bool looks_are_possible(enum looks looks);

/* Loads and attaches them once more, on the lab's tables. The caller destroys them. */
struct connections_bpf *counting_attach(const struct lab *lab, enum looks looks);

void loopback_up(void);

/* protocol: IPPROTO_TCP or IPPROTO_MPTCP. -1, where the kernel does not have the protocol. */
int listen_with(int protocol, int family, const char *address, uint16_t port);
int connect_with(int protocol, int family, const char *from, const char *to, uint16_t port);

/* TCP. The caller closes what is returned. */
int listen_at(int family, const char *address, uint16_t port);
int connect_from(int family, const char *from, const char *to, uint16_t port);

/* As connect_from over IPv4, with a byte of data in the SYN where the kernel does that. */
int connect_fast(const char *from, const char *to, uint16_t port);

/* One connection, both ends. */
struct pair {
	int client;
	int server;
};

/* To port 25 of 127.0.0.1, where listener is. */
struct pair pair_at(int listener, const char *from);
void pair_close(struct pair pair);

/* Closes by RST. */
void reset(int fd);

#endif
