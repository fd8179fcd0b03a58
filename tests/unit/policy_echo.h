/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An answer that depends on everything that was decoded: two requests that are not the same get
 * different ones.
 */
#ifndef TESTS_POLICY_ECHO_H
#define TESTS_POLICY_ECHO_H

#include <stdio.h>

#include "policy_session.h"

static inline uint64_t echo_mix(uint64_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ULL;
	return (sum ^ size) * 0x100000001b3ULL;
}

static inline uint64_t echo_digest(const struct policy_request *request)
{
	const struct policy_text *texts[] = { &request->client_name, &request->reverse_client_name,
					      &request->sender, &request->recipient,
					      &request->instance };
	uint64_t sum = 0xcbf29ce484222325ULL;

	sum = echo_mix(sum, &request->state, sizeof(request->state));
	sum = echo_mix(sum, &request->client_known, sizeof(request->client_known));
	sum = echo_mix(sum, &request->server_known, sizeof(request->server_known));
	sum = echo_mix(sum, &request->client, request->client_known ? 16 : 0);
	sum = echo_mix(sum, &request->server, request->server_known ? 16 : 0);
	sum = echo_mix(sum, &request->client_port, sizeof(request->client_port));
	sum = echo_mix(sum, &request->server_port, sizeof(request->server_port));
	sum = echo_mix(sum, &request->recipient_count, sizeof(request->recipient_count));
	sum = echo_mix(sum, &request->size, sizeof(request->size));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		sum = echo_mix(sum, texts[i]->data, texts[i]->size);
	return sum;
}

static inline void echo_answer(void *context, const struct policy_request *request,
			       char text[static POLICY_ANSWER_SIZE])
{
	(void)context;
	(void)snprintf(text, POLICY_ANSWER_SIZE, "%s %016llx", policy_state_name(request->state),
		       (unsigned long long)echo_digest(request));
}

static const struct policy_answerer echo = { echo_answer, NULL };

#endif
