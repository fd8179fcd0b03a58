/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket's protocol: one JSON object a line, each way.
 *
 * request  {"version": 1, "command": "block add", "arguments": {...}}
 * reply    {"version": 1, "ok": true, "result": {...}, "warnings": ["..."]}
 *          {"version": 1, "ok": false, "error": "one line"}
 *
 * A connection carries one request and one reply; "events" with "follow" goes on with one event
 * object a line until either side closes. The result objects are exactly those that synanvil(1)
 * documents for --json.
 *
 * Commands and arguments (all optional unless said):
 *   status            {}
 *   top               {"count": n (default 20), "by": "attempts" | "dropped" | "connections"}
 *   show              {"address": text, required}
 *   exception list    {}
 *   exception add     {"prefixes": [text, ...], required}
 *   exception delete  {"prefixes": [text, ...], required}
 *   block list        {}
 *   block add         {"prefixes": [text, ...], required; "seconds": n; absent = until deleted}
 *   block delete      {"prefixes": [text, ...], required}
 *   events            {"address": text, "since": seconds back, "follow": bool};
 *                     result {"events": [...]}
 *   config            {"changed": bool}
 *   advise            {}
 *   reload            {}; errors of the file come back as "error" with one place and reason a
 *                     line (joined by \n)
 *   restart           {}; the agent leaves without detaching, for the next start to adopt
 *   detach            {}; as SIGTERM
 *
 * At the milter's socket (control_socket with ".milter" behind it), and only there:
 *   milter report     {"instance": 32 hexadecimal digits, required; "messages": {"accept": n,
 *                     "truncate": n, "reject": n, "would_truncate": n, "would_reject": n},
 * required: all that this instance ever counted; "exceptions_version": text}; result
 * {"configured_ms": wall clock of the configuration in force, "exceptions_version": text,
 * "exceptions": [prefix, ...] unless that is the version that the request has}
 *
 * Pure: encodes and decodes, no descriptor, no clock. jansson owns the values; reference counts as
 * in its manual.
 */
#ifndef AGENT_CONTROL_PROTOCOL_H
#define AGENT_CONTROL_PROTOCOL_H

#include <jansson.h>
#include <stddef.h>

#define CONTROL_PROTOCOL_VERSION 1

/* A request with a hundred thousand prefixes fits; what is longer is refused. */
#define CONTROL_REQUEST_MAX (8UL * 1024 * 1024)

/* One line with newline, to be freed by the caller; NULL when memory is short. arguments may be
 * NULL. */
char *control_request_encode(const char *command, json_t *arguments);

/*
 * Decodes one line without its newline. *ret_command and *ret_arguments are borrowed from
 * *ret_request, which the caller releases with json_decref. Returns 0, or -EINVAL with
 * *reterr_message set to a static sentence.
 */
int control_request_decode(const char *line, size_t size, json_t **ret_request,
			   const char **ret_command, json_t **ret_arguments,
			   const char **reterr_message);

/* One line with newline, to be freed by the caller. Steals result and warnings (either may be
 * NULL). */
char *control_reply_encode(json_t *result, json_t *warnings);
char *control_error_encode(const char *message);

/*
 * A reply whose result is one long list, in pieces: the beginning, a format for version and name;
 * the items with commas in between; one of the ends. Whether all went well stands behind the list,
 * where it is known.
 */
#define CONTROL_LIST_BEGIN           "{\"version\":%d,\"result\":{\"%s\":["
#define CONTROL_LIST_END             "]},\"ok\":true,\"warnings\":[]}\n"
#define CONTROL_LIST_BROKEN(message) "]},\"ok\":false,\"error\":\"" message "\"}\n"

/* As for requests. *ret_result is borrowed; on "ok": false returns -EREMOTEIO and *ret_error is
 * borrowed. */
int control_reply_decode(const char *line, size_t size, json_t **ret_reply, json_t **ret_result,
			 json_t **ret_warnings, const char **ret_error);

#endif
