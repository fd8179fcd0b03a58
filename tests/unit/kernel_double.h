/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel as far as live connections go: its list of sockets in place of sock_diag.c, its
 * program in place of connection_program.c. Both say what a test makes up.
 */
#ifndef TESTS_KERNEL_DOUBLE_H
#define TESTS_KERNEL_DOUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sock_diag.h"

struct kernel_double {
	struct sock_diag_listener listener;
	uint64_t listed[64];
	size_t count;
	int fail;    /* the next list breaks off with this */
	bool counts; /* the program can be attached */
	bool pinned;
	bool under_way;
};

extern struct kernel_double kernel_double;

/* Tells the listener of all that is listed and returns 0; of half of it where fail was set, which
 * it returns and resets. */
int kernel_double_list(void);

#endif
