/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hand-over file: arbitrary bytes with a digest that fits, so that what stands behind it is
 * reached; what was read can be written and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy_handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char boot[POLICY_BOOT_SIZE] = "boot";

/* The last bytes become the digest of the others. */
static void seal(char *data, size_t size)
{
	static const struct digest_secret none;
	struct digest_state state;
	struct digest digest;

	if (size < sizeof(digest))
		return;
	digest_start(&state, &none);
	digest_add(&state, data, size - sizeof(digest));
	digest_end(&state, &digest);
	memcpy(data + size - sizeof(digest), &digest, sizeof(digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_counters counters, again;
	char *copy = malloc(size + 1), *written;
	size_t written_size;

	memcpy(copy, data, size);
	seal(copy, size);
	if (policy_handover_parse(copy, size, boot, &counters) == 0) {
		if (policy_handover_format(&counters, boot, 60000, 1000000, &written,
					   &written_size))
			abort();
		if (policy_handover_parse(written, written_size, boot, &again))
			abort();
		if (again.messages.count != counters.messages.count)
			abort();
		policy_counters_done(&again);
		policy_counters_done(&counters);
		free(written);
	}
	free(copy);
	return 0;
}
