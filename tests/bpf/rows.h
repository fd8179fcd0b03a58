/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of packets: each row is judged twice, once while its source is not known and once while
 * it is over the limit of every service. An attempt must pass and be counted once in the one state,
 * be dropped and change nothing in the other; all else must pass and change nothing in both.
 */
#ifndef TESTS_BPF_ROWS_H
#define TESTS_BPF_ROWS_H

#include "packets.h"

enum row_is {
	ROW_ATTEMPT,
	ROW_OTHER,    /* counted nowhere */
	ROW_UNPARSED, /* counted as such */
};

/* The services in force. Port 587 is protected at one address of each family, and at any other. */
enum row_service {
	ROW_PORT_25,
	ROW_PORT_587,
	ROW_ADDRESS_IPV4, /* SERVER_IPV4:587 */
	ROW_ADDRESS_IPV6, /* [SERVER_IPV6]:587 */
	ROW_SERVICES,
};

struct row {
	const char *name;
	struct packet_spec packet;
	enum row_is is;
	enum row_service service; /* of an attempt */
};

/* Runs all rows as one cmocka group; returns the number of failures. */
int rows_run(const char *group, const struct row *rows, size_t count);
#define ROWS_RUN(group, rows) rows_run(group, rows, sizeof(rows) / sizeof((rows)[0]))

#endif
