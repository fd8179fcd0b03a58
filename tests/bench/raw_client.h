/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mail host in a network namespace of its own, and a client that is no socket: packets that go
 * through a TUN device. The kernel handles each packet within the call that sends it, so the CPU
 * time of one process has all that a connection costs a mail host, and next to nothing of a client.
 */
#ifndef TESTS_BENCH_RAW_CLIENT_H
#define TESTS_BENCH_RAW_CLIENT_H

#include <stdint.h>

#define RAW_CLIENT_HOST "198.51.100.25"
#define RAW_CLIENT_SELF "198.51.100.1"
#define RAW_CLIENT_PORT 25

struct raw_client {
	int device;
	uint16_t port;     /* of the connection before; the host's byte order */
	uint32_t sequence; /* likewise */
};

/* Moves the process into the namespace. 0 or -errno. */
int raw_client_init(struct raw_client *ret_client);

/* Opens a connection, which the listener then can accept. 0 or -errno. */
int raw_client_open(struct raw_client *client);

/* Resets the last one: nothing of it stays behind. 0 or -errno. */
int raw_client_reset(const struct raw_client *client);

#endif
