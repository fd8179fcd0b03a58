/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Postfix' policy delegation protocol (SMTPD_POLICY_README): "name=value" lines, an empty line, one
 * "action=" line and an empty line back. Pure but for the memory that a request needs while the
 * rest of it has not come.
 *
 * Nothing of a request is trusted to be there, to be in order or to make sense: what is missing or
 * no number is unknown. Only what cannot be cut into requests is broken.
 */
#ifndef AGENT_POLICY_PROTOCOL_H
#define AGENT_POLICY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synanvil/abi.h"

/* A line that somebody needs: name, "=" and value without the newline. Postfix' own are shorter. */
#define POLICY_LINE_MAX 16384

/* All of a request: of longer ones nobody knows whether they end. */
#define POLICY_REQUEST_MAX (16UL * 1024 * 1024)

/* The shortest request: a name of one byte and an empty value. */
#define POLICY_REQUEST_MIN 4

/* protocol_state: of the SMTP session, not of the list that asks. UNKNOWN: none, or a later one. */
enum policy_state {
	POLICY_UNKNOWN,
	POLICY_CONNECT,
	POLICY_EHLO,
	POLICY_HELO,
	POLICY_MAIL,
	POLICY_RCPT,
	POLICY_DATA,
	POLICY_END_OF_MESSAGE,
	POLICY_VRFY,
	POLICY_ETRN,
	POLICY_STATES,
};

/* "END-OF-MESSAGE"; "unknown". As in requests and metrics. policy_names.c */
const char *policy_state_name(enum policy_state state);

/* Bytes of a request, of any value but newline; not NUL-terminated. Empty: absent, or empty. */
struct policy_text {
	const char *data;
	size_t size;
};

/* What is needed of a request. All zero: nothing is known. The first of several lines of a name
 * counts. */
struct policy_request {
	enum policy_state state; /* UNKNOWN also if this is no request=smtpd_access_policy */
	bool client_known;       /* false: client_address is absent, "unknown", or no address */
	bool server_known;
	uint16_t client_port;     /* host order; 0: not known */
	uint16_t server_port;     /* host order; 0: not known (Postfix before 3.2) */
	uint32_t recipient_count; /* at DATA and END-OF-MESSAGE; 0 elsewhere */
	uint64_t size; /* bytes: declared (0: not declared), at END-OF-MESSAGE actual; 0: not known
			*/
	struct sa_address client; /* valid if client_known; 16 bytes, IPv4 mapped */
	struct sa_address server; /* valid if server_known */
	/* The verified name, "unknown" if there is none: what Postfix' lists are matched with. */
	struct policy_text client_name;
	struct policy_text reverse_client_name; /* not verified */
	struct policy_text sender;              /* empty also for <> */
	struct policy_text recipient;
	struct policy_text instance; /* the same for all requests of one message; none at MAIL */
};

/* Why a stream cannot be cut into requests. Tokens are labels of synanvil_policy_errors_total. */
enum policy_fault {
	POLICY_FAULT_NONE,
	POLICY_FAULT_MALFORMED_LINE,   /* no "=", or nothing in front of it; also CRLF line ends */
	POLICY_FAULT_LINE_TOO_LONG,    /* of an attribute that is needed, or without "=" */
	POLICY_FAULT_REQUEST_TOO_LONG, /* POLICY_REQUEST_MAX */
	POLICY_FAULT_EMPTY_REQUEST,    /* an empty line with nothing in front of it */
	POLICY_FAULT_TRUNCATED,        /* the peer went inside of a request */
	POLICY_FAULT_TOO_SLOW, /* half a request and no more of it, or replies that nobody takes */
	POLICY_FAULT_NO_MEMORY,
	POLICY_FAULT_TOO_MANY_SESSIONS,
	POLICY_FAULTS,
};

const char *policy_fault_token(enum policy_fault fault);
const char *policy_fault_text(enum policy_fault fault); /* a sentence, for the log */

enum policy_progress {
	POLICY_MORE,    /* all bytes are taken, the request is not complete */
	POLICY_REQUEST, /* decoder->request is one */
	POLICY_BROKEN,  /* decoder->fault says why; nothing more can be decoded */
};

/* Of the line that has begun. */
enum policy_phase {
	POLICY_AT_START, /* nothing of a line has come */
	POLICY_IN_LINE,  /* what has come of it is kept */
	POLICY_SKIPPING, /* it is of an attribute that nobody needs */
	POLICY_AT_END,   /* the request was complete: the next byte belongs to another one */
};

/* Where in a request a connection is. All zero: at the start of one, without memory of its own. */
struct policy_decoder {
	struct policy_request request; /* what is known so far */
	enum policy_fault fault;
	enum policy_phase phase;
	bool foreign;      /* it says request=, but not smtpd_access_policy */
	uint32_t seen;     /* attributes that have come, a bit each, by their place in the table */
	uint32_t borrowed; /* those of them whose text is in the caller's bytes */
	size_t taken;      /* bytes of the request so far */
	char *kept;        /* texts, and the line that has begun, if they had to be copied */
	size_t kept_size;  /* in use */
	size_t kept_room;  /* allocated */
	size_t line_start; /* in kept, of the line that has begun */
};

/*
 * Takes bytes from *cursor up to end, at most those of one request. On POLICY_REQUEST
 * decoder->request is valid until the next call, as long as the bytes are. What is kept between
 * calls is bounded by the attributes that are needed, each POLICY_LINE_MAX.
 */
enum policy_progress policy_decode(struct policy_decoder *decoder, const char **cursor,
				   const char *end);

/* Whether the last bytes taken were inside of a request. */
bool policy_decoder_inside(const struct policy_decoder *decoder);

/* Frees what it keeps; it is at the start of a request then. */
void policy_decoder_done(struct policy_decoder *decoder);

/* Room for any reply of policy_reply_encode. */
#define POLICY_REPLY_MAX 192

/*
 * "action=TEXT" with its two newlines. Bytes of text that could end the line or that Postfix would
 * refuse become "?"; what is too long is cut. Returns the size, without a terminating NUL.
 */
size_t policy_reply_encode(const char *text, char reply[static POLICY_REPLY_MAX]);

#endif
