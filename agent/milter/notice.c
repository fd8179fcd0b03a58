/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two bytes a notice, which a pipe keeps together.
 */
#include "notice.h"

#include <unistd.h>

void notice_send(int pipe, unsigned process, enum notice_kind kind)
{
	const struct notice notice = { (uint8_t)process, (uint8_t)kind };

	(void)!write(pipe, &notice, sizeof(notice));
}

bool notice_receive(int pipe, struct notice *ret_notice)
{
	return read(pipe, ret_notice, sizeof(*ret_notice)) == (ssize_t)sizeof(*ret_notice);
}
