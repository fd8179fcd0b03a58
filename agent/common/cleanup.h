/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership that a reader can judge within one function: an owning local is declared with one of
 * these attributes, and every escape is a TAKE_*.
 */
#ifndef AGENT_CLEANUP_H
#define AGENT_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

#define _cleanup_free_      __attribute__((cleanup(cleanup_free)))
#define _cleanup_close_     __attribute__((cleanup(cleanup_close)))
#define _cleanup_fclose_    __attribute__((cleanup(cleanup_fclose)))
#define _cleanup_(function) __attribute__((cleanup(function)))

/* The value of a pointer, which the caller owns from now on. */
#define TAKE_PTR(pointer)                                \
	({                                               \
		__typeof__(pointer) *_slot = &(pointer); \
		__typeof__(pointer) _value = *_slot;     \
		*_slot = NULL;                           \
		_value;                                  \
	})

/* The value of a descriptor, which the caller owns from now on. */
#define TAKE_FD(fd)                  \
	({                           \
		int *_slot = &(fd);  \
		int _value = *_slot; \
		*_slot = -1;         \
		_value;              \
	})

#endif
