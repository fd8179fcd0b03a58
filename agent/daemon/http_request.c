/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judging requests. Header fields are skipped: nothing that a scraper says in them changes the
 * answer.
 */
#include "http_request.h"

#include <stdbool.h>
#include <string.h>

struct part {
	const char *text;
	size_t size;
};

static bool part_is(const struct part *part, const char *text)
{
	return part->size == strlen(text) && memcmp(part->text, text, part->size) == 0;
}

/* Cuts the bytes before the first separator off rest; false if there is none. */
static bool part_cut(struct part *rest, char separator, struct part *ret_part)
{
	const char *found = memchr(rest->text, separator, rest->size);

	if (!found)
		return false;
	*ret_part = (struct part){ rest->text, (size_t)(found - rest->text) };
	rest->size -= ret_part->size + 1;
	rest->text = found + 1;
	return true;
}

/* Whether an empty line ends the header; lines end in CR LF or in LF alone. */
static bool header_complete(const char *text, size_t size)
{
	struct part rest = { text, size }, line;

	while (part_cut(&rest, '\n', &line))
		if (line.size == 0 || part_is(&line, "\r"))
			return true;
	return false;
}

static enum http_status judge_line(struct part line)
{
	struct part method, target;

	if (line.size && line.text[line.size - 1] == '\r')
		line.size--;
	if (!part_cut(&line, ' ', &method) || !part_cut(&line, ' ', &target) || !method.size)
		return HTTP_BAD_REQUEST;
	if (!part_is(&line, "HTTP/1.1") && !part_is(&line, "HTTP/1.0"))
		return HTTP_BAD_REQUEST;
	/* What follows a question mark is for the page, which takes no questions. */
	for (size_t i = 0; i < target.size; i++)
		if (target.text[i] == '?')
			target.size = i;
	if (!part_is(&target, "/metrics"))
		return HTTP_NOT_FOUND;
	return part_is(&method, "GET") ? HTTP_METRICS : HTTP_METHOD_NOT_ALLOWED;
}

enum http_status http_request_judge(const char *text, size_t size)
{
	struct part rest = { text, size }, line;

	if (!header_complete(text, size))
		return size > HTTP_REQUEST_MAX ? HTTP_TOO_LONG : HTTP_MORE;
	if (size > HTTP_REQUEST_MAX || !part_cut(&rest, '\n', &line))
		return HTTP_TOO_LONG;
	return judge_line(line);
}

const char *http_status_line(enum http_status status)
{
	switch (status) {
	case HTTP_METRICS:
		return "200 OK";
	case HTTP_NOT_FOUND:
		return "404 Not Found";
	case HTTP_METHOD_NOT_ALLOWED:
		return "405 Method Not Allowed";
	case HTTP_TOO_LONG:
		return "431 Request Header Fields Too Large";
	case HTTP_INTERNAL_ERROR:
		return "500 Internal Server Error";
	case HTTP_MORE:
	case HTTP_BAD_REQUEST:
		break;
	}
	return "400 Bad Request";
}
