/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linked into every cmocka program: SYNANVIL_TEST=PATTERN in the environment runs only the tests
 * whose names match.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void only_one(void)
{
	const char *pattern = getenv("SYNANVIL_TEST");

	if (pattern)
		cmocka_set_test_filter(pattern);
}
