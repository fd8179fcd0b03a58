/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoints from arguments.
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The byte that an escape stands for; *text is left at its last character. */
static char escaped(const char **text)
{
	char digits[3] = { 0 };

	if (**text == 'n')
		return '\n';
	if (**text == 'r')
		return '\r';
	if (**text != 'x' || !isxdigit((unsigned char)(*text)[1]) ||
	    !isxdigit((unsigned char)(*text)[2]))
		return **text;
	memcpy(digits, *text + 1, 2);
	*text += 2;
	return (char)strtoul(digits, NULL, 16);
}

static void unescape(const char *text, struct endpoint *ret_endpoint)
{
	size_t length = 0;

	for (; *text && length < REQUEST_MAX; text++) {
		if (*text == '\\' && text[1]) {
			text++;
			ret_endpoint->request[length++] = escaped(&text);
		} else {
			ret_endpoint->request[length++] = *text;
		}
	}
	ret_endpoint->length = length;
}

bool endpoint_parse(char *text, struct endpoint *ret_endpoint)
{
	char *request = strchr(text, '='), *port;

	if (!request)
		return false;
	*request++ = '\0';
	unescape(request, ret_endpoint);
	if (*text == '/') {
		ret_endpoint->address.local.sun_family = AF_UNIX;
		(void)snprintf(ret_endpoint->address.local.sun_path,
			       sizeof(ret_endpoint->address.local.sun_path), "%s", text);
		ret_endpoint->size = sizeof(ret_endpoint->address.local);
		return true;
	}
	port = strrchr(text, ':');
	if (!port)
		return false;
	*port++ = '\0';
	ret_endpoint->address.inet.sin_family = AF_INET;
	ret_endpoint->address.inet.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	ret_endpoint->size = sizeof(ret_endpoint->address.inet);
	return inet_pton(AF_INET, text, &ret_endpoint->address.inet.sin_addr) == 1;
}
