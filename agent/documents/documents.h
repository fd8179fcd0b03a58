/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The documents that follow from the parameter table: the sample configuration and the parameter
 * section of synanvil.cf(5). Pure; run at build time by "make documents", and by the tests.
 */
#ifndef AGENT_DOCUMENTS_H
#define AGENT_DOCUMENTS_H

#include <stddef.h>
#include <stdio.h>

#include "config_table.h"

/* What people are told of a parameter. In texts, `this` is literal. */
struct document {
	const char *name;
	const char *section; /* which begins with this parameter, or NULL */
	const char *text;    /* what it is; range, choices and default are added from the table */
	const char *postfix; /* how it differs from Postfix' parameter; NULL: not at all */
	const char *advice;  /* the sample says this too, or NULL */
	const char *sample;  /* the value that the sample sets; NULL: it shows the default */
};

/* In the order of config_parameters. */
extern const struct document documents[];
extern const size_t document_count;

/* What the table has to say: "1 to 10 bits.", "0 or less is no limit.", ... */
void document_range(const struct config_parameter *parameter, char *buffer, size_t size);

/* Both return 0, or -EIO. */
int document_sample(FILE *stream);
int document_manual(FILE *stream);

#endif
