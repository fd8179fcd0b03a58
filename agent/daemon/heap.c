/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two calls that glibc has for it.
 */
#include "heap.h"

#include <malloc.h>

/* Bytes from which on a piece has its own pages; smaller ones are worth keeping. */
#define LARGE 131072

void heap_init(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}

void heap_trim(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}
