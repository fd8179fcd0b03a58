/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ADDRESS:PORT, with addresses as numbers: no name server is asked.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "config_internal.h"
#include "parse.h"

/* Room for the aliases of an entry of /etc/services. */
#define SERVICE_ENTRY_SIZE 2048
#define SERVICE_NAME_SIZE  64

bool config_port_parse(const char *text, size_t size, uint16_t *ret_port)
{
	char name[SERVICE_NAME_SIZE];
	char buffer[SERVICE_ENTRY_SIZE];
	struct servent entry;
	struct servent *found = NULL;

	if (parse_port(text, size, ret_port) == 0)
		return true;
	/* Only what begins with a letter is a name: "99999" is a bad number, not an unknown
	 * service. */
	if (size == 0 || size >= sizeof(name) || text[0] < 'A' || memchr(text, '\0', size))
		return false;
	memcpy(name, text, size);
	name[size] = '\0';
	if (getservbyname_r(name, "tcp", &entry, buffer, sizeof(buffer), &found) != 0 || !found)
		return false;
	*ret_port = ntohs((uint16_t)entry.s_port);
	return true;
}

bool config_endpoint_parse(const char *text, size_t size, struct sa_address *ret_address,
			   uint16_t *ret_port, const char **reterr_message)
{
	const char *colon = memrchr(text, ':', size);
	const size_t address_size = colon ? (size_t)(colon - text) : 0;
	struct prefix prefix;
	enum prefix_error error;

	if (!colon) {
		*reterr_message = "ADDRESS:PORT expected";
		return false;
	}
	if (!config_port_parse(colon + 1, size - address_size - 1, ret_port)) {
		*reterr_message =
			"neither a port number (1 to 65535) nor a service of /etc/services";
		return false;
	}
	error = prefix_parse(text, address_size, PREFIX_LIST, &prefix);
	if (error == PREFIX_UNBRACKETED ||
	    (error != PREFIX_OK && memchr(text, ':', address_size) && text[0] != '[')) {
		*reterr_message = "an IPv6 address needs brackets: [ADDRESS]:PORT";
		return false;
	}
	if (error != PREFIX_OK || prefix.length != 128 || memchr(text, '/', address_size)) {
		*reterr_message = "not an IPv4 or IPv6 address and a port";
		return false;
	}
	memcpy(ret_address, prefix.address, sizeof(*ret_address));
	return true;
}
