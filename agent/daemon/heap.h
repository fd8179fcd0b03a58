/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the C library's allocator keeps of memory that was given back. A long list of exceptions is
 * read, compiled and sorted in pieces of some megabytes, which are needed for a moment only. Does
 * nothing where the C library is not glibc.
 */
#ifndef AGENT_HEAP_H
#define AGENT_HEAP_H

/*
 * To be called once, before there is anything large. Large pieces then always have pages of their
 * own, which go back to the system when they are freed, and which are taken only as they are
 * touched; else glibc comes to take them from its heap after the first such piece was freed.
 */
void heap_init(void);

/* After much was freed: gives back the pages of the heap that nothing is left on. */
void heap_trim(void);

#endif
