/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many descriptors the agent may have.
 */
#ifndef AGENT_DESCRIPTORS_H
#define AGENT_DESCRIPTORS_H

#include <stdint.h>

/* Raises the limit to wanted, as far as that is allowed. Returns what it is then. */
uint64_t descriptors_raise(uint64_t wanted);

#endif
