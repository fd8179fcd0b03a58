/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests and replies of the control socket as JSON lines; see the header for their form.
 *
 * Strict where a mistake would be silent (duplicate keys, wrong types, trailing bytes), lenient
 * about keys that are not known, so that a newer peer of the same version may add some.
 */
#include "control_protocol.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

#define _cleanup_json_ _cleanup_(cleanup_json)

/* message as one line with newline. jansson escapes newlines inside strings, so that the line is
 * one. */
static char *encode_line(const json_t *message)
{
	size_t size = json_dumpb(message, NULL, 0, JSON_COMPACT);
	char *line;

	if (size == 0)
		return NULL;
	line = malloc(size + 2);
	if (!line)
		return NULL;
	if (json_dumpb(message, line, size, JSON_COMPACT) != size) {
		free(line);
		return NULL;
	}
	line[size] = '\n';
	line[size + 1] = '\0';
	return line;
}

char *control_request_encode(const char *command, json_t *arguments)
{
	_cleanup_json_ json_t *request =
		json_pack("{s:i, s:s}", "version", CONTROL_PROTOCOL_VERSION, "command", command);
	int failed;

	if (!request)
		return NULL;
	if (arguments)
		failed = json_object_set(request, "arguments", arguments);
	else
		failed = json_object_set_new(request, "arguments", json_object());
	return failed ? NULL : encode_line(request);
}

char *control_reply_encode(json_t *result, json_t *warnings)
{
	_cleanup_json_ json_t *owned_result = result ? result : json_object();
	_cleanup_json_ json_t *owned_warnings = warnings ? warnings : json_array();
	_cleanup_json_ json_t *reply =
		json_pack("{s:i, s:b, s:O, s:O}", "version", CONTROL_PROTOCOL_VERSION, "ok", 1,
			  "result", owned_result, "warnings", owned_warnings);

	return reply ? encode_line(reply) : NULL;
}

char *control_error_encode(const char *message)
{
	_cleanup_json_ json_t *reply = json_pack(
		"{s:i, s:b, s:s}", "version", CONTROL_PROTOCOL_VERSION, "ok", 0, "error", message);

	if (!reply) /* the message is no UTF-8: that must not turn an error into silence */
		reply = json_pack("{s:i, s:b, s:s}", "version", CONTROL_PROTOCOL_VERSION, "ok", 0,
				  "error", "failed, and the reason is not printable");
	return reply ? encode_line(reply) : NULL;
}

/* What requests and replies share: one JSON object with our version. */
static int decode_envelope(const char *line, size_t size, json_t **ret_message,
			   const char **reterr_message)
{
	_cleanup_json_ json_t *message = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *version;

	if (!json_is_object(message)) {
		*reterr_message = "not a JSON object on one line";
		return -EINVAL;
	}
	version = json_object_get(message, "version");
	if (!json_is_integer(version)) {
		*reterr_message = "no protocol version";
		return -EINVAL;
	}
	if (json_integer_value(version) != CONTROL_PROTOCOL_VERSION) {
		*reterr_message = "another version of the control protocol: agent and command line "
				  "tool are of different releases";
		return -EINVAL;
	}
	*ret_message = TAKE_PTR(message);
	return 0;
}

/* The member key of message, which is created empty where it is missing; NULL if it is no object.
 */
static json_t *object_member(json_t *message, const char *key)
{
	json_t *member = json_object_get(message, key);

	if (!member) {
		if (json_object_set_new(message, key, json_object()))
			return NULL;
		member = json_object_get(message, key);
	}
	return json_is_object(member) ? member : NULL;
}

int control_request_decode(const char *line, size_t size, json_t **ret_request,
			   const char **ret_command, json_t **ret_arguments,
			   const char **reterr_message)
{
	_cleanup_json_ json_t *request = NULL;
	const char *command;
	json_t *arguments;
	int result;

	if (size > CONTROL_REQUEST_MAX) {
		*reterr_message = "the request is too long";
		return -EINVAL;
	}
	result = decode_envelope(line, size, &request, reterr_message);
	if (result)
		return result;
	command = json_string_value(json_object_get(request, "command"));
	if (!command) {
		*reterr_message = "no command";
		return -EINVAL;
	}
	arguments = object_member(request, "arguments");
	if (!arguments) {
		*reterr_message = "the arguments are no object";
		return -EINVAL;
	}
	*ret_command = command;
	*ret_arguments = arguments;
	*ret_request = TAKE_PTR(request);
	return 0;
}

static bool is_list_of_strings(const json_t *list)
{
	size_t index;
	json_t *item;

	if (!json_is_array(list))
		return false;
	json_array_foreach(list, index, item) if (!json_is_string(item)) return false;
	return true;
}

/* The part of a reply that belongs to "ok": true. */
static int decode_result(json_t *reply, json_t **ret_result, json_t **ret_warnings,
			 const char **ret_error)
{
	json_t *result = object_member(reply, "result");
	json_t *warnings = json_object_get(reply, "warnings");

	if (!result) {
		*ret_error = "the result is no object";
		return -EINVAL;
	}
	if (warnings && !is_list_of_strings(warnings)) {
		*ret_error = "the warnings are no list of strings";
		return -EINVAL;
	}
	*ret_result = result;
	*ret_warnings = warnings;
	return 0;
}

int control_reply_decode(const char *line, size_t size, json_t **ret_reply, json_t **ret_result,
			 json_t **ret_warnings, const char **ret_error)
{
	_cleanup_json_ json_t *reply = NULL;
	const json_t *ok;
	const char *error;
	int result;

	result = decode_envelope(line, size, &reply, ret_error);
	if (result)
		return result;
	ok = json_object_get(reply, "ok");
	if (json_is_true(ok)) {
		result = decode_result(reply, ret_result, ret_warnings, ret_error);
		if (!result)
			*ret_reply = TAKE_PTR(reply);
		return result;
	}
	error = json_string_value(json_object_get(reply, "error"));
	if (!json_is_false(ok) || !error) {
		*ret_error = "neither a result nor an error";
		return -EINVAL;
	}
	*ret_error = error;
	*ret_reply = TAKE_PTR(reply);
	return -EREMOTEIO;
}
