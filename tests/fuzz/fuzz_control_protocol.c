/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a request and as a reply. What decodes must encode to a line that decodes to the
 * same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void request(const char *line, size_t size)
{
	json_t *first = NULL, *second = NULL, *arguments = NULL, *again = NULL;
	const char *command = NULL, *command_again = NULL, *error = NULL;
	char *encoded;

	if (control_request_decode(line, size, &first, &command, &arguments, &error)) {
		require(error && !first);
		return;
	}
	encoded = control_request_encode(command, arguments);
	require(encoded && strchr(encoded, '\n') == encoded + strlen(encoded) - 1);
	/* escapes make it longer than it came, perhaps than a request may be */
	if (strlen(encoded) <= CONTROL_REQUEST_MAX) {
		require(!control_request_decode(encoded, strlen(encoded) - 1, &second,
						&command_again, &again, &error));
		require(strcmp(command, command_again) == 0 && json_equal(arguments, again));
	}
	json_decref(first);
	json_decref(second);
	free(encoded);
}

static void reply(const char *line, size_t size)
{
	json_t *first = NULL, *second = NULL, *result = NULL, *warnings = NULL, *again = NULL;
	const char *error = NULL, *error_again = NULL;
	char *encoded;
	int decoded = control_reply_decode(line, size, &first, &result, &warnings, &error);

	if (decoded == -EINVAL) {
		require(error && !first);
		return;
	}
	if (decoded == -EREMOTEIO)
		encoded = control_error_encode(error);
	else
		encoded = control_reply_encode(json_incref(result), json_incref(warnings));
	require(encoded && strchr(encoded, '\n') == encoded + strlen(encoded) - 1);
	require(control_reply_decode(encoded, strlen(encoded) - 1, &second, &again, &warnings,
				     &error_again) == decoded);
	require(decoded ? strcmp(error, error_again) == 0 : json_equal(result, again));
	json_decref(first);
	json_decref(second);
	free(encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	request((const char *)data, size);
	reply((const char *)data, size);
	return 0;
}
