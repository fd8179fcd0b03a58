/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exempts FILE ADDRESS...: which addresses the configuration in FILE exempts, one line each:
 * "ADDRESS yes" or "ADDRESS no".
 */
#include <stdio.h>
#include <stdlib.h>

#include "config.h"

static void complain(const struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		char *line = report_entry_format(&report->entries[i]);

		fprintf(stderr, "exempts: %s\n", line ? line : "out of memory");
		free(line);
	}
}

int main(int argc, char **argv)
{
	struct report report = { 0 };
	struct config *config = NULL;
	int status = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: exempts FILE ADDRESS...\n");
		return 2;
	}
	if (config_load(argv[1], &config, &report) != 0) {
		complain(&report);
		report_done(&report);
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		struct sa_address address;

		if (address_parse(argv[i], &address) != 0) {
			fprintf(stderr, "exempts: %s is no address\n", argv[i]);
			status = 1;
			continue;
		}
		printf("%s %s\n", argv[i], config_exempts(config, &address) ? "yes" : "no");
	}
	report_done(&report);
	config_free(config);
	return status;
}
