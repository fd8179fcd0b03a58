/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up what the milter does not need, which is everything.
 */
#ifndef MILTER_UNPRIVILEGED_H
#define MILTER_UNPRIVILEGED_H

/*
 * Started by root: becomes the milter's user (milter_report.h), without groups. In any case: no
 * capabilities, no new ones, as many descriptors as allowed. For good. 0 or -errno; -ESRCH: there
 * is no user to become.
 */
int unprivileged_become(void);

#endif
