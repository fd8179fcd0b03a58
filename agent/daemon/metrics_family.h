/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prometheus' text exposition, line by line: what all families of the page have in common. type is
 * "counter", "gauge" or "histogram". Errors show at the end, by ferror.
 */
#ifndef AGENT_METRICS_FAMILY_H
#define AGENT_METRICS_FAMILY_H

#include <stdint.h>
#include <stdio.h>

/* The lines before a family's samples. */
void metrics_family(FILE *page, const char *name, const char *type, const char *help);

/* A family that has one sample without labels. */
void metrics_single(FILE *page, const char *name, const char *type, const char *help,
		    uint64_t value);
void metrics_single_real(FILE *page, const char *name, const char *type, const char *help,
			 double value);

#endif
