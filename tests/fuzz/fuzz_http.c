/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP requests: arriving byte by byte, a request is judged once; what comes behind it changes
 * nothing.
 */
#include <stdint.h>
#include <stdlib.h>

#include "http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const enum http_status whole = http_request_judge(text, size);
	enum http_status status = HTTP_MORE;
	size_t came = 0;

	while (status == HTTP_MORE && came < size && came < 512)
		status = http_request_judge(text, ++came);
	if (status != HTTP_MORE && size <= HTTP_REQUEST_MAX && status != whole)
		abort();
	if (whole == HTTP_MORE && size > HTTP_REQUEST_MAX)
		abort();
	if (!http_status_line(whole))
		abort();
	return 0;
}
