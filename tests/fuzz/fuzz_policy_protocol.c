/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of the policy protocol: whole and byte by byte the same ones come out, and a decoder
 * holds no more than its lines.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/policy_echo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In pieces of so many bytes; 0: all at once. */
static uint64_t decode(const char *text, size_t size, size_t piece, enum policy_fault *ret_fault)
{
	struct policy_decoder decoder = { 0 };
	enum policy_progress progress = POLICY_MORE;
	uint64_t sum = 0;

	while (size && progress != POLICY_BROKEN) {
		const size_t now = piece && piece < size ? piece : size;
		char *bytes = malloc(now);
		const char *cursor = bytes;

		memcpy(bytes, text, now);
		while ((progress = policy_decode(&decoder, &cursor, bytes + now)) ==
		       POLICY_REQUEST) {
			const uint64_t digest = echo_digest(&decoder.request);

			sum = echo_mix(sum, &digest, sizeof(digest));
		}
		if (progress == POLICY_MORE && cursor != bytes + now)
			abort();
		free(bytes);
		if (decoder.kept_room > 16UL * POLICY_LINE_MAX)
			abort();
		text += now;
		size -= now;
	}
	*ret_fault = decoder.fault;
	policy_decoder_done(&decoder);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum policy_fault whole, pieces;

	if (!size)
		return 0;
	if (decode((const char *)data + 1, size - 1, 0, &whole) !=
		    decode((const char *)data + 1, size - 1, data[0] % 32 + 1, &pieces) ||
	    whole != pieces)
		abort();
	return 0;
}
