/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion scripts for shells, from the command table and nothing else.
 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include <stdbool.h>
#include <stdio.h>

/* Prints the script for "bash" or "zsh"; false, and nothing, for any other shell. */
bool completion_print(FILE *stream, const char *shell);

#endif
