/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listener and what its clients say: HOST:PORT (IPv4) or the path of a socket, "=", and the
 * request, in which \n, \r and \xHH stand for bytes.
 */
#ifndef TESTS_SOAK_ENDPOINT_H
#define TESTS_SOAK_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define REQUEST_MAX 512

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in inet;
		struct sockaddr_un local;
	} address;
	socklen_t size;
	char request[REQUEST_MAX];
	size_t length;
};

/* false: not understood. text is written to. */
bool endpoint_parse(char *text, struct endpoint *ret_endpoint);

#endif
