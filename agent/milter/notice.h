/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process of the milter tells the one above it of its configuration, through a pipe that all
 * of them write to. The one above tells the service manager.
 */
#ifndef MILTER_NOTICE_H
#define MILTER_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

enum notice_kind {
	NOTICE_RELOADING,
	NOTICE_ENFORCING,  /* a new configuration is in force, and this is its mode */
	NOTICE_MONITORING, /* likewise */
	NOTICE_REFUSED,    /* the new one is wrong, the old one is in force */
};

struct notice {
	uint8_t process; /* which one, from 0 */
	uint8_t kind;
};

/* Never blocks: should nobody read, it is lost. */
void notice_send(int pipe, unsigned process, enum notice_kind kind);

/* Whether there was one. Never blocks. */
bool notice_receive(int pipe, struct notice *ret_notice);

#endif
