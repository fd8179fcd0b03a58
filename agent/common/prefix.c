/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes: reading, printing, comparing.
 */
#include "prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"

#define BITS_IPV4   32
#define BITS_IPV6   128
#define BITS_MAPPED 96 /* of a mapped address, before the IPv4 address begins */

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* The pieces of a written prefix. */
struct notation {
	const char *address;
	size_t address_size;
	const char *length; /* NULL where none is written */
	size_t length_size;
	bool bracketed;
};

/* Splits at the first slash; false if there is a slash and nothing behind it. */
static void split_length(struct notation *n, const char *text, size_t size)
{
	const char *slash = memchr(text, '/', size);

	n->address = text;
	n->address_size = slash ? (size_t)(slash - text) : size;
	n->length = slash ? slash + 1 : NULL;
	n->length_size = slash ? size - n->address_size - 1 : 0;
}

/* addr, addr/len, [addr], [addr]/len, [addr/len]; false for any other use of brackets. */
static bool notation_parse(const char *text, size_t size, struct notation *n)
{
	const char *close;
	size_t inside;

	*n = (struct notation){ 0 };
	if (size == 0 || text[0] != '[') {
		split_length(n, text, size);
		return true;
	}
	close = memchr(text, ']', size);
	if (!close)
		return false;
	n->bracketed = true;
	inside = (size_t)(close - text) - 1;
	split_length(n, text + 1, inside);
	if (close + 1 == text + size)
		return true;
	if (close[1] != '/' || n->length)
		return false;
	n->length = close + 2;
	n->length_size = size - inside - 3;
	return true;
}

/* Fills address and the number of bits that its family has; 0 if it is no address. */
static unsigned address_bits(const char *text, size_t size, uint8_t address[static 16])
{
	char buffer[INET6_ADDRSTRLEN];

	if (size >= sizeof(buffer) || memchr(text, '\0', size))
		return 0;
	memcpy(buffer, text, size);
	buffer[size] = '\0';
	memcpy(address, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, buffer, address + sizeof(mapped)) == 1)
		return BITS_IPV4;
	if (inet_pton(AF_INET6, buffer, address) == 1)
		return BITS_IPV6;
	return 0;
}

/* Clears what is behind the first length bits; says whether something was there. */
static bool clear_host_bits(uint8_t address[static 16], unsigned length)
{
	bool found = false;

	for (unsigned byte = length / 8; byte < 16; byte++) {
		const unsigned keep = byte == length / 8 ? length % 8 : 0;
		const uint8_t mask = (uint8_t)(0xff00 >> keep);

		if ((address[byte] & ~mask) != 0)
			found = true;
		address[byte] &= mask;
	}
	return found;
}

enum prefix_error prefix_parse(const char *text, size_t size, enum prefix_syntax syntax,
			       struct prefix *ret_prefix)
{
	struct prefix prefix = { 0 };
	struct notation n;
	uint32_t length;
	unsigned bits;
	bool host_bits;

	if (!notation_parse(text, size, &n))
		return PREFIX_BAD_ADDRESS;
	bits = address_bits(n.address, n.address_size, prefix.address);
	if (bits == 0)
		return PREFIX_BAD_ADDRESS;
	length = bits;
	if (n.length && parse_digits(n.length, n.length_size, bits, &length) != 0)
		return PREFIX_BAD_LENGTH;

	prefix.length = (uint8_t)(length + (BITS_IPV6 - bits));
	host_bits = clear_host_bits(prefix.address, prefix.length);
	*ret_prefix = prefix;
	if (syntax == PREFIX_LIST && bits == BITS_IPV6 && !n.bracketed)
		return PREFIX_UNBRACKETED;
	return host_bits ? PREFIX_HOST_BITS : PREFIX_OK;
}

const char *prefix_error_text(enum prefix_error error)
{
	static const char *const texts[] = {
		[PREFIX_OK] = "no error",
		[PREFIX_BAD_ADDRESS] = "not an IPv4 or IPv6 address",
		[PREFIX_BAD_LENGTH] = "not a prefix length of this address family",
		[PREFIX_HOST_BITS] = "address bits are set behind the prefix length",
		[PREFIX_UNBRACKETED] = "an IPv6 address needs brackets here",
	};

	return texts[error];
}

void prefix_format(const struct prefix *prefix, char text[static PREFIX_TEXT_SIZE])
{
	const bool ipv4 = prefix_is_ipv4(prefix);
	size_t used;

	if (ipv4)
		(void)inet_ntop(AF_INET, prefix->address + sizeof(mapped), text, PREFIX_TEXT_SIZE);
	else
		(void)inet_ntop(AF_INET6, prefix->address, text, PREFIX_TEXT_SIZE);
	if (prefix->length == BITS_IPV6)
		return;
	used = strlen(text);
	(void)snprintf(text + used, PREFIX_TEXT_SIZE - used, "/%d",
		       prefix->length - (ipv4 ? BITS_MAPPED : 0));
}

void address_format(const struct sa_address *address, char text[static PREFIX_TEXT_SIZE])
{
	struct prefix prefix;

	prefix_of(address, BITS_IPV6, &prefix);
	prefix_format(&prefix, text);
}

int address_parse(const char *text, struct sa_address *ret_address)
{
	const size_t size = strlen(text);
	struct prefix prefix;

	if (memchr(text, '/', size))
		return -EINVAL;
	if (prefix_parse(text, size, PREFIX_ANY, &prefix) != PREFIX_OK)
		return -EINVAL;
	memcpy(ret_address, prefix.address, sizeof(*ret_address));
	return 0;
}

bool prefix_is_ipv4(const struct prefix *prefix)
{
	return prefix->length >= BITS_MAPPED &&
	       memcmp(prefix->address, mapped, sizeof(mapped)) == 0;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return prefix_compare(a, b) == 0;
}

/* Whether the first length bits are the same. */
static bool same_bits(const uint8_t a[static 16], const uint8_t b[static 16], unsigned length)
{
	const unsigned bytes = length / 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return length % 8 == 0 || ((a[bytes] ^ b[bytes]) >> (8 - length % 8)) == 0;
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	if (outer->length > inner->length || prefix_is_ipv4(outer) != prefix_is_ipv4(inner))
		return false;
	return same_bits(outer->address, inner->address, outer->length);
}

int prefix_compare(const void *a, const void *b)
{
	const struct prefix *left = a;
	const struct prefix *right = b;
	const int order = memcmp(left->address, right->address, sizeof(left->address));

	return order != 0 ? order : (int)left->length - (int)right->length;
}

void prefix_of(const struct sa_address *address, uint8_t length, struct prefix *ret_prefix)
{
	*ret_prefix = (struct prefix){ .length = length };
	memcpy(ret_prefix->address, address, sizeof(ret_prefix->address));
	(void)clear_host_bits(ret_prefix->address, length);
}

void prefix_key(const struct prefix *prefix, struct sa_prefix *ret_key)
{
	*ret_key = (struct sa_prefix){ .length = prefix->length };
	memcpy(ret_key->address, prefix->address, sizeof(ret_key->address));
}
