/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of inet:HOST:PORT and unix:/PATH, taken apart.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config_internal.h"

/* "inet:" and "unix:" alike. */
#define SCHEME_SIZE 5

/* The text was checked when it was read (config_texts.c). */
static int listener_parse(const struct config_word *word, struct config_listener *ret_listener)
{
	struct config_listener listener = { .text = strndup(word->text, word->size) };
	const char *rest, *colon;
	size_t host_size;

	if (!listener.text)
		return -ENOMEM;
	rest = listener.text + SCHEME_SIZE;
	listener.is_unix = strncmp(listener.text, "unix:", SCHEME_SIZE) == 0;
	if (listener.is_unix) {
		listener.path = rest;
		*ret_listener = listener;
		return 0;
	}
	colon = strrchr(rest, ':');
	(void)config_port_parse(colon + 1, strlen(colon + 1), &listener.port);
	host_size = (size_t)(colon - rest);
	if (host_size > 1 && *rest == '[') {
		rest++;
		host_size -= 2;
	}
	listener.host = strndup(rest, host_size);
	if (!listener.host) {
		free(listener.text);
		return -ENOMEM;
	}
	*ret_listener = listener;
	return 0;
}

int config_listeners(const char *list, struct config_listener **ret_listeners, size_t *ret_count)
{
	const char *cursor = list, *end = list + strlen(list);
	struct config_listener *listeners = NULL;
	struct config_word word;
	size_t count = 0;

	while (config_word_next(&cursor, end, &word)) {
		struct config_listener *grown =
			reallocarray(listeners, count + 1, sizeof(*listeners));

		if (grown)
			listeners = grown;
		if (!grown || listener_parse(&word, &listeners[count])) {
			config_listeners_free(listeners, count);
			return -ENOMEM;
		}
		count++;
	}
	*ret_listeners = listeners;
	*ret_count = count;
	return 0;
}

void config_listeners_free(struct config_listener *listeners, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(listeners[i].text);
		free(listeners[i].host);
	}
	free(listeners);
}
