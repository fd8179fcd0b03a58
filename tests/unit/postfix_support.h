/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configurations that name Postfix' files, for the tests of what becomes of them.
 */
#ifndef TESTS_UNIT_POSTFIX_SUPPORT_H
#define TESTS_UNIT_POSTFIX_SUPPORT_H

#include "config_support.h"

#define OURS      MINIMAL "protected_ports = 25, 587\npostfix_config_directory = /p\n"
#define SERVICES  "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n"

#define RATE      "smtpd_client_connection_rate_limit"
#define COUNT     "smtpd_client_connection_count_limit"
#define PROCESSES "default_process_limit"

/* ours with /p of these files, and a second instance at /q; NULL if it does not load. */
static inline struct config *load_postfix(const char *ours, const char *main_cf,
					  const char *master_cf, struct report *report)
{
	struct memory_file files[] = {
		{ "/p/main.cf", main_cf },
		{ "/p/master.cf", master_cf },
		{ "/q/main.cf",
		  "smtpd_client_connection_rate_limit = 77\ndefault_process_limit = 7\n"
		  "inet_interfaces = 192.0.2.2, localhost\n" },
		{ "/q/master.cf", "smtp inet n - n - - smtpd\n" },
		{ NULL, NULL },
	};
	struct config *config = NULL;

	(void)load_with(ours, files, &config, report);
	return config;
}

#endif
