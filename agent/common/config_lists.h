/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What config_lists.c and config_tables.c share: one list that is being read, and the place that it
 * is read at.
 */
#ifndef AGENT_CONFIG_LISTS_H
#define AGENT_CONFIG_LISTS_H

#include "config_internal.h"
#include "config_region.h"

/* Each "if" and the rule itself may leave one network out of a region. */
#define LIST_CIDR_DEPTH_MAX (CONFIG_REGION_HOLES_MAX - 1)

/* An "if" of a cidr table. */
struct list_cidr_level {
	struct prefix prefix;
	bool negated;
	bool valid; /* otherwise it was refused, and so is the list */
	unsigned line;
};

/* The cidr table that is being read: tables do not name tables. */
struct list_cidr {
	struct list_cidr_level levels[LIST_CIDR_DEPTH_MAX];
	size_t depth;
	bool broken;  /* nested too deeply: what follows would be misunderstood */
	bool refuses; /* a result that refuses was warned of */
};

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
	bool results; /* what looks like the result of a table was warned of */
	const char *first_host;
	struct list_place first_host_place;
	struct list_cidr cidr;
};

#define list_error(list, place, ...) \
	config_error((list)->loader, &(place)->origin, (place)->parameter, __VA_ARGS__)

/* false if the text is no prefix, or not as it should be written; reported. */
bool list_prefix_parse(struct list *list, const struct list_place *place, const char *text,
		       size_t size, enum prefix_syntax syntax, struct prefix *ret_prefix);

/* Appends a prefix. */
int list_prefix_add(struct list *list, const struct list_place *place, const struct prefix *prefix);

/* Reads a file for the list; *ret_text is NULL if that was reported to be impossible. */
int list_open(struct list *list, const struct list_place *place, const char *path,
	      struct list_place *ret_inside, char **ret_text, size_t *ret_size);

/* Calls item for each logical line, without blanks at its ends. */
int list_lines(struct list *list, struct list_place *place, char *text, size_t size,
	       int (*item)(struct list *list, const struct list_place *place, const char *text,
			   size_t size));

/* What stands behind "cidr:": /file or { {rule}, ... }. */
int list_cidr(struct list *list, const struct list_place *place, const char *text, size_t size);

#endif
