/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Terms are separated by blanks; each is a mechanism, with a qualifier in front and a domain and
 * lengths behind it, or a modifier with "=".
 */
#include "spf_record.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "parse.h"

#define VERSION      "v=spf1"
#define VERSION_SIZE (sizeof(VERSION) - 1)
#define LABEL_MAX    63
#define IPV4_OFFSET  96

/* A piece of the record. */
struct piece {
	const char *text;
	size_t size;
};

static const struct mechanism {
	const char *name;
	enum spf_kind kind;
	bool domain_required;
	bool domain_allowed;
	bool lengths_allowed;
} mechanisms[] = {
	{ "all", SPF_ALL, false, false, false }, { "include", SPF_INCLUDE, true, true, false },
	{ "a", SPF_A, false, true, true },       { "mx", SPF_MX, false, true, true },
	{ "ptr", SPF_PTR, false, true, false },  { "exists", SPF_EXISTS, true, true, false },
};

bool spf_record_is(const char *text, size_t size)
{
	return size >= VERSION_SIZE && strncasecmp(text, VERSION, VERSION_SIZE) == 0 &&
	       (size == VERSION_SIZE || text[VERSION_SIZE] == ' ');
}

void spf_record_begin(struct spf_reader *reader, const char *text, size_t size)
{
	*reader = (struct spf_reader){ .text = text + VERSION_SIZE, .size = size - VERSION_SIZE };
}

static bool is(struct piece piece, const char *word)
{
	return piece.size == strlen(word) && strncasecmp(piece.text, word, piece.size) == 0;
}

/* What stands in front of the first of these characters; *piece becomes what follows it, or is left
 * with it if it is to be kept. */
static struct piece cut(struct piece *piece, const char *ends)
{
	struct piece head = { .text = piece->text };

	while (head.size < piece->size && !strchr(ends, piece->text[head.size]))
		head.size++;
	piece->text += head.size;
	piece->size -= head.size;
	return head;
}

int spf_name_parse(const char *text, size_t size, char ret_name[static SPF_NAME_SIZE])
{
	size_t label = 0, labels = 1;

	if (size && text[size - 1] == '.')
		size--;
	if (!size || size >= SPF_NAME_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '.') {
			if (!label)
				return -EINVAL;
			label = 0;
			labels++;
			continue;
		}
		if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
			return -EINVAL;
		if (++label > LABEL_MAX)
			return -EINVAL;
	}
	if (!label || labels < 2)
		return -EINVAL;
	for (size_t i = 0; i < size; i++)
		ret_name[i] = (char)tolower((unsigned char)text[i]);
	ret_name[size] = '\0';
	return 0;
}

/* Macros are of printable characters, and nobody but a receiver can fill them in. */
static int domain_parse(struct piece piece, struct spf_term *term)
{
	term->macro = memchr(piece.text, '%', piece.size) != NULL;
	if (!term->macro)
		return spf_name_parse(piece.text, piece.size, term->domain);
	for (size_t i = 0; i < piece.size; i++)
		if (piece.text[i] < 0x21 || piece.text[i] > 0x7e)
			return -EINVAL;
	return 0;
}

static int length_parse(struct piece piece, uint32_t max, uint8_t *ret_length)
{
	uint32_t length;

	/* No leading zeros: the RFC has none. */
	if (parse_digits(piece.text, piece.size, max, &length) ||
	    (piece.size > 1 && piece.text[0] == '0'))
		return -EINVAL;
	*ret_length = (uint8_t)length;
	return 0;
}

/* "/24", "//64", "/24//64" */
static int lengths_parse(struct piece rest, struct spf_term *term)
{
	struct piece number;

	if (rest.size && !(rest.size > 1 && rest.text[1] == '/')) {
		rest.text++;
		rest.size--;
		number = cut(&rest, "/");
		if (length_parse(number, 32, &term->ipv4_length))
			return -EINVAL;
	}
	if (!rest.size)
		return 0;
	if (rest.size < 2 || rest.text[0] != '/' || rest.text[1] != '/')
		return -EINVAL;
	rest.text += 2;
	rest.size -= 2;
	return length_parse(rest, 128, &term->ipv6_length);
}

/* "ip4:192.0.2.0/24"; what comes without its length is one address. */
static int network_parse(struct piece rest, bool ipv4, struct spf_term *term)
{
	char text[PREFIX_TEXT_SIZE];
	struct sa_address address;
	struct piece host;
	uint8_t length = ipv4 ? 32 : 128;

	if (!rest.size || rest.text[0] != ':')
		return -EINVAL;
	rest.text++;
	rest.size--;
	host = cut(&rest, "/");
	if (!host.size || host.size >= sizeof(text) || host.text[0] == '[' ||
	    (memchr(host.text, ':', host.size) == NULL) != ipv4)
		return -EINVAL;
	memcpy(text, host.text, host.size);
	text[host.size] = '\0';
	/* A NUL inside would end it early. */
	if (strlen(text) != host.size || address_parse(text, &address))
		return -EINVAL;
	if (rest.size) {
		rest.text++;
		rest.size--;
		if (length_parse(rest, ipv4 ? 32 : 128, &length))
			return -EINVAL;
	}
	term->kind = SPF_IP;
	prefix_of(&address, ipv4 ? (uint8_t)(length + IPV4_OFFSET) : length, &term->network);
	return 0;
}

static int mechanism_parse(struct piece name, struct piece rest, struct spf_term *term)
{
	const struct mechanism *mechanism = NULL;

	if (is(name, "ip4") || is(name, "ip6"))
		return network_parse(rest, is(name, "ip4"), term);
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++)
		if (is(name, mechanisms[i].name))
			mechanism = &mechanisms[i];
	if (!mechanism)
		return -EINVAL;
	term->kind = mechanism->kind;
	if (rest.size && rest.text[0] == ':') {
		struct piece domain;

		rest.text++;
		rest.size--;
		/* Only inside of a macro a "/" could belong to the domain; then it matters not. */
		domain = memchr(rest.text, '%', rest.size) ? cut(&rest, "") : cut(&rest, "/");
		if (!mechanism->domain_allowed || domain_parse(domain, term))
			return -EINVAL;
	} else if (mechanism->domain_required) {
		return -EINVAL;
	}
	if (rest.size && !mechanism->lengths_allowed)
		return -EINVAL;
	return lengths_parse(rest, term);
}

static bool modifier_name(struct piece name)
{
	if (!name.size || !isalpha((unsigned char)name.text[0]))
		return false;
	for (size_t i = 1; i < name.size; i++)
		if (!isalnum((unsigned char)name.text[i]) && !strchr("-_.", name.text[i]))
			return false;
	return true;
}

static int term_parse(struct piece term, struct spf_term *ret_term, const char **reterr_why)
{
	struct piece rest = term;
	const struct piece name = cut(&rest, "=:/");

	*ret_term = (struct spf_term){ .qualifier = '+', .ipv4_length = 32, .ipv6_length = 128 };
	if (rest.size && rest.text[0] == '=' && modifier_name(name)) {
		rest.text++;
		rest.size--;
		ret_term->kind = is(name, "redirect") ? SPF_REDIRECT : SPF_MODIFIER;
		if (ret_term->kind != SPF_REDIRECT)
			return 0;
		*reterr_why = "redirect= is followed by no domain";
		return domain_parse(rest, ret_term);
	}
	*reterr_why = "there is a mechanism that RFC 7208 does not have, or not like this";
	rest = term;
	if (strchr("+-?~", rest.text[0])) {
		ret_term->qualifier = rest.text[0];
		rest.text++;
		rest.size--;
	}
	term = cut(&rest, ":/");
	return mechanism_parse(term, rest, ret_term);
}

int spf_record_next(struct spf_reader *reader, struct spf_term *ret_term, const char **reterr_why)
{
	struct piece rest = { reader->text, reader->size };
	struct piece term;
	int error;

	while (rest.size && *rest.text == ' ') {
		rest.text++;
		rest.size--;
	}
	if (!rest.size)
		return 0;
	term = cut(&rest, " ");
	/* A NUL is among the ends that strchr looks for, and no term has one. */
	*reterr_why = "there is a NUL byte in it";
	if (memchr(reader->text, '\0', reader->size))
		return -EINVAL;
	error = term_parse(term, ret_term, reterr_why);
	if (error)
		return error;
	*reader = (struct spf_reader){ rest.text, rest.size };
	return 1;
}
