/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * getaddrinfo(3) has no time limit, and no way to be called off: it may be in any module of
 * nsswitch.conf. So it runs in a thread, which is left to itself when its time is over.
 */
#include "name_lookup.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "cleanup.h"

/* One question, shared by the thread and the one who waits: who is last frees it. */
struct question {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	char *host;
	char *service;
	struct addrinfo *addresses; /* owned until they are taken */
	int result;                 /* of getaddrinfo */
	bool done;                  /* written by the thread, under the lock */
	bool given_up;              /* written by the one who waits, under the lock */
};

static int ask(const char *host, const char *service, int flags, struct addrinfo **ret_addresses)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | flags,
					.ai_socktype = SOCK_STREAM };

	return getaddrinfo(host, service, &hints, ret_addresses);
}

static void question_free(struct question *question)
{
	if (question->addresses)
		freeaddrinfo(question->addresses);
	(void)pthread_cond_destroy(&question->answered);
	(void)pthread_mutex_destroy(&question->lock);
	free(question->host);
	free(question->service);
	free(question);
}

static struct question *question_new(const char *host, const char *service)
{
	struct question *question = calloc(1, sizeof(*question));
	pthread_condattr_t monotonic;

	if (!question)
		return NULL;
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&question->answered, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	(void)pthread_mutex_init(&question->lock, NULL);
	question->host = strdup(host);
	question->service = strdup(service);
	if (question->host && question->service)
		return question;
	question_free(question);
	return NULL;
}

static void *answer(void *context)
{
	struct question *question = context;
	struct addrinfo *addresses = NULL;
	const int result = ask(question->host, question->service, 0, &addresses);
	bool given_up;

	(void)pthread_mutex_lock(&question->lock);
	question->result = result;
	question->addresses = result ? NULL : addresses;
	question->done = true;
	given_up = question->given_up;
	(void)pthread_cond_signal(&question->answered);
	(void)pthread_mutex_unlock(&question->lock);
	if (given_up)
		question_free(question);
	return NULL;
}

/* Signals are the loop's: a thread begins with those blocked that are in the one that makes it. */
static int thread_start(struct question *question)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int error;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, &attributes, answer, question);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return error;
}

/* True: the question is answered, and nobody else uses it any more. */
static bool answer_wait(struct question *question, struct mono_ms deadline)
{
	const struct timespec until = { .tv_sec = (time_t)(deadline.ms / 1000),
					.tv_nsec = (long)(deadline.ms % 1000) * 1000000 };
	bool done;
	int error = 0;

	(void)pthread_mutex_lock(&question->lock);
	while (!question->done && !error)
		error = pthread_cond_timedwait(&question->answered, &question->lock, &until);
	done = question->done;
	question->given_up = !done;
	(void)pthread_mutex_unlock(&question->lock);
	return done;
}

static int result_error(int result)
{
	switch (result) {
	case 0:
		return 0;
	case EAI_AGAIN:
	case EAI_FAIL:
	case EAI_SYSTEM:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

int name_lookup(const char *host, const char *service, struct mono_ms deadline,
		struct addrinfo **ret_addresses)
{
	const int numeric = ask(host, service, AI_NUMERICHOST, ret_addresses);
	struct question *question;
	int error;

	/* Services are in a file. Only "no such address" may be a name. */
	if (numeric != EAI_NONAME || !host)
		return result_error(numeric);
	question = question_new(host, service);
	if (!question)
		return -ENOMEM;
	if (thread_start(question)) {
		question_free(question);
		return -EAGAIN;
	}
	if (!answer_wait(question, deadline))
		return -ETIMEDOUT;
	error = result_error(question->result);
	if (!error)
		*ret_addresses = TAKE_PTR(question->addresses);
	question_free(question);
	return error;
}
