/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What config_lists.c and config_tables.c share: one list that is being read, and the place that it
 * is read at.
 */
#ifndef AGENT_CONFIG_LISTS_H
#define AGENT_CONFIG_LISTS_H

#include "config_internal.h"

struct list_place {
	const char *parameter;
	struct config_origin origin;
	bool negated;
	unsigned depth; /* files within files */
};

struct list {
	struct config_loader *loader;
	struct config_patterns *patterns;
	bool full;
	size_t host_count;
	const char *first_host;
	struct list_place first_host_place;
};

#define list_error(list, place, ...) \
	config_error((list)->loader, &(place)->origin, (place)->parameter, __VA_ARGS__)

/* Appends a prefix, or reports why the text is none. */
int list_prefix(struct list *list, const struct list_place *place, const char *text, size_t size,
		enum prefix_syntax syntax);

/* Reads a file for the list; *ret_text is NULL if that was reported to be impossible. */
int list_open(struct list *list, const struct list_place *place, const char *path,
	      struct list_place *ret_inside, char **ret_text, size_t *ret_size);

/* Calls item for each logical line. */
int list_lines(struct list *list, struct list_place *place, char *text, size_t size,
	       int (*item)(struct list *list, const struct list_place *place, const char *text,
			   size_t size));

/* What stands behind "cidr:": /file or { {rule}, ... }. */
int list_cidr(struct list *list, const struct list_place *place, const char *text, size_t size);

#endif
