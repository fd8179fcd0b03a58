/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process of the milter, which serves one listener: everything that its connections share.
 */
#ifndef MILTER_MILTER_H
#define MILTER_MILTER_H

#include "header_rules.h"
#include "log_share.h"
#include "message_counts.h"

struct milter {
	struct header_rules rules;
	struct message_counts counts;
	struct header_key key; /* of the digests of names */
	struct log_share log;
	_Atomic bool stopped; /* libmilter has come back */
	int listening;        /* the socket that this process serves */
	bool over_tcp;        /* which is of TCP; else a UNIX one */
};

#endif
