/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one parameter table. It drives reading, bounds, defaults, printing, and the tests of sample
 * file and manual page.
 */
#ifndef AGENT_CONFIG_TABLE_H
#define AGENT_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum config_kind {
	CONFIG_NUMBER,
	CONFIG_TIME,
	CONFIG_CHOICE,
	CONFIG_NAME,      /* one word */
	CONFIG_PATH,      /* absolute */
	CONFIG_PATHS,     /* a list of them */
	CONFIG_SOCKET,    /* a path that fits into a socket address */
	CONFIG_ENDPOINT,  /* ADDRESS:PORT */
	CONFIG_ENDPOINTS, /* a list of inet:HOST:PORT and unix:/PATH */
	CONFIG_INTERFACES,
	CONFIG_SERVICES,
	CONFIG_ADDRESSES,
	CONFIG_PROXIES, /* an address list of prefixes */
};

struct config_parameter {
	const char *name;
	const char *preset; /* the default, unexpanded */
	long min;           /* numbers, and times in seconds */
	long max;
	const char *unit;           /* for people; NULL where there is none */
	const char *const *choices; /* NULL-terminated; a value is stored as its index */
	long no_limit_above; /* a larger number cannot be enforced and is none; 0: no such number */
	/* In struct config, or in config_service if per_service; size 0: not stored generically. */
	size_t offset;
	size_t size;
	enum config_kind kind;
	bool per_service; /* PORT:name overrides it */
	bool at_start;    /* takes effect at the next start only */
	bool in_postfix;  /* main.cf and master.cf may set it */
};

extern const struct config_parameter config_parameters[];
extern const size_t config_parameter_count;

/* An upper bound of config_parameter_count. */
#define CONFIG_PARAMETERS_MAX 64

/* NULL if there is none of this name (size bytes). */
const struct config_parameter *config_parameter_find(const char *name, size_t size);

/* The parameter that an unknown name probably means, or NULL. */
const struct config_parameter *config_parameter_nearest(const char *name);

#endif
