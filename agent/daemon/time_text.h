/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wall-clock times as RFC 3339 prints them, in UTC. Pure.
 */
#ifndef AGENT_TIME_TEXT_H
#define AGENT_TIME_TEXT_H

#include <stdint.h>

#define TIME_TEXT_SIZE 40

/* "2026-11-22T07:26:41Z"; milliseconds since 1970. */
void time_text(int64_t wall_ms, char text[static TIME_TEXT_SIZE]);

#endif
