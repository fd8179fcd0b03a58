/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ends the limiter that an agent has left behind: takes its programs off the interfaces and removes
 * its pins.
 */
#ifndef CLI_DETACH_H
#define CLI_DETACH_H

#include <stddef.h>

#include "cli.h"

/*
 * Detaches every link that is pinned in directory, then removes the pins and the directory.
 * *ret_detached is the number of links. A directory that is not there, or has no pins of an agent
 * in it, is left alone and is no error. Refuses while an agent holds the directory.
 */
enum cli_status detach_pins(const struct cli *cli, const char *directory, size_t *ret_detached);

#endif
