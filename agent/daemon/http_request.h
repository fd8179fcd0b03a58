/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of HTTP/1 as a scrape needs: the request line, up to the empty line that ends the header.
 * Pure.
 */
#ifndef AGENT_HTTP_REQUEST_H
#define AGENT_HTTP_REQUEST_H

#include <stddef.h>

/* A header longer than this is refused. */
#define HTTP_REQUEST_MAX 8192

/* What to answer with; the number is HTTP's status. */
enum http_status {
	HTTP_MORE = 0, /* the header is not complete */
	HTTP_METRICS = 200,
	HTTP_BAD_REQUEST = 400,
	HTTP_NOT_FOUND = 404,
	HTTP_METHOD_NOT_ALLOWED = 405,
	HTTP_TOO_LONG = 431,
	HTTP_INTERNAL_ERROR = 500,
};

/* text is all that came so far. */
enum http_status http_request_judge(const char *text, size_t size);

/* "200 OK" and the like. */
const char *http_status_line(enum http_status status);

#endif
