/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * documents sample|manual: prints the one or the other.
 */
#include <stdio.h>
#include <string.h>

#include "documents.h"
#include "log.h"

int main(int argc, char **argv)
{
	int r;

	if (argc == 2 && strcmp(argv[1], "sample") == 0) {
		r = document_sample(stdout);
	} else if (argc == 2 && strcmp(argv[1], "manual") == 0) {
		r = document_manual(stdout);
	} else {
		log_error("usage: documents sample|manual");
		return 2;
	}
	return r < 0 || fflush(stdout) != 0 ? 1 : 0;
}
