/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of one message, field by field, and what becomes of the message. Bounded in memory,
 * whatever is sent: a message whose cuts would not fit is rejected, as one that is made to be.
 * Pure.
 */
#ifndef MILTER_HEADER_MESSAGE_H
#define MILTER_HEADER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "header_cut.h"
#include "header_names.h"
#include "milter_report.h"

/* Memory for cut fields that are kept until the end of a message: all of it, with what malloc adds.
 */
#define HEADER_KEPT_MAX (1024UL * 1024)

struct header_limits {
	size_t field_bytes;   /* of one field, at least 1 */
	uint32_t field_count; /* of a message; 0 = no limit */
	uint64_t total_bytes; /* of all fields of a message; 0 = no limit */
	bool reject;          /* a field over its limit refuses the message; else it is cut */
	bool monitor;         /* nothing is changed or refused */
};

/* What a message has too much of. */
enum header_excess {
	HEADER_FITS,
	HEADER_FIELD_LONG,
	HEADER_FIELDS_MANY,
	HEADER_TOTAL_LONG,
	HEADER_CUTS_MANY, /* more to cut than can be kept */
};

/* A field that is to be cut. */
struct header_edit {
	char *name;          /* owned */
	uint32_t occurrence; /* among the fields of this name, from 1 */
	char *value; /* the new one, owned; NULL: the limit leaves nothing of it, the field goes */
};

/* Zero-initialise before the first message. */
struct header_message {
	struct header_limits limits;
	bool exempt;
	bool cut;                   /* a field is over its limit, and is cut */
	enum header_excess refused; /* the first reason to refuse the message */
	uint32_t field_count;
	uint64_t total_bytes;
	size_t longest; /* bytes of the longest field */
	struct header_names names;
	struct header_edit *edits;
	size_t edit_count;
	size_t kept_bytes;
};

/* Forgets the message before. */
void header_message_begin(struct header_message *message, const struct header_limits *limits,
			  bool exempt);

/* The next field. */
void header_message_field(struct header_message *message, const struct header_key *key,
			  const struct header_field *field);

/* What becomes of it: for an exempt client, accepted. Only for MILTER_TRUNCATE are the edits due.
 */
enum milter_action header_message_action(const struct header_message *message);

/* The reason for the client, behind 552 5.3.4. */
const char *header_excess_text(enum header_excess excess);

void header_message_done(struct header_message *message);

#endif
