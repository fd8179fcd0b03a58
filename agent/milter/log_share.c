/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fixed window of one second.
 */
#include "log_share.h"

bool log_share_take(struct log_share *share, struct mono_ms now, unsigned long *ret_omitted)
{
	bool may;

	(void)pthread_mutex_lock(&share->lock);
	if (now.ms - share->second.ms >= 1000) {
		share->second = now;
		share->lines = 0;
	}
	may = share->lines < LOG_SHARE_LINES;
	*ret_omitted = share->omitted;
	if (may)
		share->lines++;
	share->omitted = may ? 0 : share->omitted + 1;
	(void)pthread_mutex_unlock(&share->lock);
	return may;
}
