/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of control commands, checked: what the peer sends is not trusted, whatever the command
 * line tool did. Pure. On failure 0 is not returned and *reterr_message is a line to be freed (NULL
 * when memory is short).
 */
#ifndef AGENT_CONTROL_ARGUMENTS_H
#define AGENT_CONTROL_ARGUMENTS_H

#include <jansson.h>
#include <stdbool.h>

#include "prefix.h"

/* "prefixes": at least one, each of them well formed. *ret_prefixes is the caller's to free. */
int argument_prefixes(const json_t *arguments, struct prefix **ret_prefixes, size_t *ret_count,
		      char **reterr_message);

/* A number from least to most; otherwise is what holds where it is absent. */
int argument_number(const json_t *arguments, const char *name, json_int_t least, json_int_t most,
		    json_int_t otherwise, json_int_t *ret_value, char **reterr_message);

int argument_bool(const json_t *arguments, const char *name, bool *ret_value,
		  char **reterr_message);

/* NULL where it is absent; borrowed from arguments. */
int argument_text(const json_t *arguments, const char *name, const char **ret_text,
		  char **reterr_message);

/* "address": an address or a prefix; *ret_given is false where it is absent. */
int argument_address(const json_t *arguments, bool *ret_given, struct prefix *ret_prefix,
		     char **reterr_message);

/* Stores a line and returns error. */
int argument_refuse(char **reterr_message, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
