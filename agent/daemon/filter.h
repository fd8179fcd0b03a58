/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter in front of a trie: which addresses could match at all. Pure.
 */
#ifndef AGENT_FILTER_H
#define AGENT_FILTER_H

#include <stdbool.h>

#include "prefix.h"
#include "synanvil/abi.h"

/* Sets the bits of all addresses that prefix covers. A short IPv6 prefix sets all bits of its
 * family. */
void filter_add(struct sa_filter *filter, const struct prefix *prefix);

/* As the packet path asks; true promises nothing. */
bool filter_passes(const struct sa_filter *filter, const struct sa_address *address);

#endif
