/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection of the policy service, driven in any order: reads, replies that are taken late or
 * not, the end. The input is steps: how many bytes are read, how many of the replies are taken.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/policy_echo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct policy_replies replies;

struct steps {
	const uint8_t *data;
	size_t size;
};

static uint8_t step(struct steps *steps)
{
	if (!steps->size)
		return 0;
	steps->size--;
	return *steps->data++;
}

static enum policy_next receive(struct policy_session *session, struct steps *steps)
{
	const size_t wanted = (size_t)step(steps) * 16 + 1;
	const uint8_t share = step(steps);
	const size_t size = wanted < steps->size ? wanted : steps->size;
	char *bytes = malloc(size + 1);

	if (!bytes)
		return POLICY_CLOSE;
	memcpy(bytes, steps->data, size);
	steps->data += size;
	steps->size -= size;
	policy_session_received(session, bytes, size, &echo, &replies);
	free(bytes);
	if (replies.size > sizeof(replies.data))
		abort();
	return policy_session_sent(session, &replies, replies.size * share / 255);
}

static enum policy_next flush(struct policy_session *session, struct steps *steps)
{
	size_t size;
	const char *data = policy_session_unsent(session, &size);

	if (!size || data[0] == '\0' || !policy_session_owes(session))
		abort();
	return policy_session_flushed(session, size * (step(steps) + 1U) / 256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct steps steps = { data, size };
	struct policy_session session = { 0 };
	enum policy_next next = POLICY_READ;

	while (steps.size > 2 && next != POLICY_CLOSE)
		next = next == POLICY_READ ? receive(&session, &steps) : flush(&session, &steps);
	if (next == POLICY_CLOSE && !session.fault)
		abort();
	if (next == POLICY_READ && session.fault)
		abort();
	if (next == POLICY_WRITE)
		policy_session_overdue(&session);
	else if (next == POLICY_READ)
		policy_session_ended(&session);
	policy_session_done(&session);
	if (policy_session_memory(&session))
		abort();
	return 0;
}
