/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and prefixes of both families as one kind of value: 16 bytes in network order, IPv4
 * mapped. Pure: no name service, no descriptor.
 */
#ifndef AGENT_PREFIX_H
#define AGENT_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synanvil/abi.h"

/* Enough for any printed prefix with its terminating NUL. */
#define PREFIX_TEXT_SIZE 64

/* length is 0 to 128, over the mapped form: 10.0.0.0/8 has length 104. Host bits are zero. */
struct prefix {
	uint8_t address[16];
	uint8_t length;
};

/* Why a text is no prefix; prefix_error_text has a sentence for each. */
enum prefix_error {
	PREFIX_OK = 0,
	PREFIX_BAD_ADDRESS,
	PREFIX_BAD_LENGTH,
	PREFIX_HOST_BITS,   /* "10.0.0.1/8": suggestion says what was probably meant */
	PREFIX_UNBRACKETED, /* IPv6 without brackets where Postfix' list syntax demands them */
};

/* What prefix_parse accepts beyond the bare forms. */
enum prefix_syntax {
	PREFIX_LIST, /* Postfix' address lists: IPv6 only as [addr], [addr]/len, [addr/len]; IPv4
			may have brackets */
	PREFIX_ANY,  /* command line and cidr tables: IPv6 with and without brackets */
};

/*
 * Parses the whole of text (not NUL-terminated, size bytes). *ret_prefix is written on success, and
 * on PREFIX_HOST_BITS holds the prefix with its host bits cleared. "[::ffff:127.0.0.0]/104" is an
 * IPv6 notation that denotes mapped IPv4 and yields the same value as 127.0.0.0/8.
 */
enum prefix_error prefix_parse(const char *text, size_t size, enum prefix_syntax syntax,
			       struct prefix *ret_prefix);

const char *prefix_error_text(enum prefix_error error);

/* Prints without brackets, and without a length where it is full: 10.1.0.5, 10.0.0.0/8,
 * 2001:db8::/84. */
void prefix_format(const struct prefix *prefix, char text[static PREFIX_TEXT_SIZE]);

/* As prefix_format for a full address. */
void address_format(const struct sa_address *address, char text[static PREFIX_TEXT_SIZE]);

/* A bare IPv4 or IPv6 address, brackets allowed; 0 or -EINVAL. */
int address_parse(const char *text, struct sa_address *ret_address);

bool prefix_is_ipv4(const struct prefix *prefix);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

/* Whether outer contains all of inner. An IPv6 prefix shorter than 96 bits never covers mapped
 * IPv4. */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);

/* By address, then by length, shorter first: a covering prefix stands before all that it covers.
 * For qsort. */
int prefix_compare(const void *a, const void *b);

/* address cut to length bits (over the mapped form). */
void prefix_of(const struct sa_address *address, uint8_t length, struct prefix *ret_prefix);

/* The kernel's key for a prefix. */
void prefix_key(const struct prefix *prefix, struct sa_prefix *ret_key);

#endif
