/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a path, a name, an endpoint: pure functions of the text.
 */
#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <sys/un.h>

#include "config_internal.h"
#include "config_lines.h"

#define HOST_NAME_SIZE_MAX 255

static const char *path_problem(const char *path, size_t size)
{
	if (size == 0 || path[0] != '/')
		return "an absolute path expected";
	if (size >= PATH_MAX)
		return "the path is too long";
	if (config_blank(path[size - 1]))
		return "a blank at the end of a path";
	for (size_t i = 0; i < size; i++) {
		if (iscntrl((unsigned char)path[i]))
			return "a control character in a path";
	}
	return NULL;
}

static const char *socket_problem(const char *path, size_t size)
{
	if (size >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return "the path is too long for a socket (107 bytes)";
	return path_problem(path, size);
}

static const char *name_problem(const char *name)
{
	if (*name == '\0')
		return "a name expected";
	for (; *name != '\0'; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
			return "not a name";
	}
	return NULL;
}

static const char *endpoint_problem(const char *text, size_t size)
{
	const char *message = NULL;
	struct sa_address address;
	uint16_t port;

	return config_endpoint_parse(text, size, &address, &port, &message) ? NULL : message;
}

/* HOST:PORT, where HOST may also be a name. */
static const char *host_port_problem(const char *text, size_t size)
{
	const char *colon = memrchr(text, ':', size);
	const size_t host_size = colon ? (size_t)(colon - text) : 0;
	uint16_t port;

	if (!endpoint_problem(text, size))
		return NULL;
	if (host_size == 0 || host_size > HOST_NAME_SIZE_MAX ||
	    !config_port_parse(colon + 1, size - host_size - 1, &port))
		return "inet:HOST:PORT expected";
	for (size_t i = 0; i < host_size; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '.' && text[i] != '-')
			return "not a host name or address and a port";
	}
	return NULL;
}

static const char *listener_problem(const char *text, size_t size)
{
	static const char inet[] = "inet:";
	static const char local[] = "unix:";
	const size_t prefix_size = sizeof(inet) - 1;

	if (size > prefix_size && memcmp(text, inet, prefix_size) == 0)
		return host_port_problem(text + prefix_size, size - prefix_size);
	if (size > prefix_size && memcmp(text, local, prefix_size) == 0)
		return socket_problem(text + prefix_size, size - prefix_size);
	return "inet:HOST:PORT or unix:/PATH expected";
}

static const char *words_problem(const char *text,
				 const char *(*problem)(const char *text, size_t size))
{
	const char *end = text + strlen(text);
	struct config_word word;

	while (config_word_next(&text, end, &word)) {
		const char *found = problem(word.text, word.size);

		if (found)
			return found;
	}
	return NULL;
}

const char *config_text_problem(const struct config_parameter *parameter, const char *text)
{
	switch (parameter->kind) {
	case CONFIG_NAME:
		return name_problem(text);
	case CONFIG_PATH:
		return path_problem(text, strlen(text));
	case CONFIG_PATHS:
		return words_problem(text, path_problem);
	case CONFIG_SOCKET:
		return socket_problem(text, strlen(text));
	case CONFIG_ENDPOINT:
		return *text == '\0' ? NULL : endpoint_problem(text, strlen(text));
	case CONFIG_ENDPOINTS:
		return words_problem(text, listener_problem);
	default:
		return NULL;
	}
}

const char *config_interface_problem(const char *name, size_t size)
{
	if (size >= SA_INTERFACE_NAME_SIZE)
		return "an interface name has at most 15 characters";
	if ((size == 1 && name[0] == '.') || (size == 2 && name[0] == '.' && name[1] == '.'))
		return "not an interface name";
	for (size_t i = 0; i < size; i++) {
		if (name[i] == '/' || name[i] == ':' || !isgraph((unsigned char)name[i]))
			return "not an interface name";
	}
	return NULL;
}
