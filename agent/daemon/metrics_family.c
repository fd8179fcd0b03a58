/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heads of families, and the samples of those that have no labels.
 */
#include "metrics_family.h"

#include <inttypes.h>

void metrics_family(FILE *page, const char *name, const char *type, const char *help)
{
	(void)fprintf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_single(FILE *page, const char *name, const char *type, const char *help,
		    uint64_t value)
{
	metrics_family(page, name, type, help);
	(void)fprintf(page, "%s %" PRIu64 "\n", name, value);
}

void metrics_single_real(FILE *page, const char *name, const char *type, const char *help,
			 double value)
{
	metrics_family(page, name, type, help);
	(void)fprintf(page, "%s %.3f\n", name, value);
}
