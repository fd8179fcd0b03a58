/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Printing of times.
 */
#include "time_text.h"

#include <stdio.h>
#include <time.h>

void time_text(int64_t wall_ms, char text[static TIME_TEXT_SIZE])
{
	const time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;

	/* Only years beyond an int fail; they are no times of this program. */
	if (!gmtime_r(&seconds, &parts) ||
	    !strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts))
		(void)snprintf(text, TIME_TEXT_SIZE, "1970-01-01T00:00:00Z");
}
