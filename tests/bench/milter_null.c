/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * milter_null SOCKET: the least that a milter can do that is on libmilter and sees each header
 * field. Agrees upon what synanvil-milter agrees upon and looks at nothing: what is left between
 * the two is synanvil-milter's own. SOCKET as libmilter has it: unix:/PATH or inet:PORT@ADDRESS.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define STEPS                                                                           \
	(SMFIP_NOHELO | SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOUNKNOWN | SMFIP_NR_CONN | \
	 SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_HDR_LEADSPC)

static unsigned long steps;

static sfsistat on_negotiate(SMFICTX *context, unsigned long actions, unsigned long offered,
			     unsigned long f2, unsigned long f3, unsigned long *ret_actions,
			     unsigned long *ret_steps, unsigned long *ret_f2, unsigned long *ret_f3)
{
	static char nothing[] = "{null}";

	(void)actions, (void)f2, (void)f3;
	*ret_actions = SMFIF_CHGHDRS | SMFIF_SETSYMLIST;
	*ret_steps = offered & steps;
	*ret_f2 = 0;
	*ret_f3 = 0;
	for (int stage = SMFIM_FIRST; stage <= SMFIM_LAST; stage++)
		(void)smfi_setsymlist(context, stage, nothing);
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *context, char *name, _SOCK_ADDR *address)
{
	(void)context, (void)name, (void)address;
	return SMFIS_NOREPLY;
}

static sfsistat on_mail(SMFICTX *context, char **arguments)
{
	(void)context, (void)arguments;
	return SMFIS_NOREPLY;
}

static sfsistat on_data(SMFICTX *context)
{
	(void)context;
	return steps & SMFIP_NR_DATA ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
	(void)context, (void)name, (void)value;
	return SMFIS_NOREPLY;
}

static sfsistat on_end(SMFICTX *context)
{
	(void)context;
	return SMFIS_ACCEPT;
}

int main(int argc, char **argv)
{
	static char name[] = "milter_null";
	static const struct smfiDesc description = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_CHGHDRS,
		.xxfi_connect = on_connect,
		.xxfi_envfrom = on_mail,
		.xxfi_data = on_data,
		.xxfi_header = on_header,
		.xxfi_eoh = on_end,
		.xxfi_negotiate = on_negotiate,
	};

	if (argc != 2) {
		(void)fputs("usage: milter_null SOCKET\n", stderr);
		return 2;
	}
	steps = STEPS | (strncmp(argv[1], "unix:", 5) == 0 ? SMFIP_NR_DATA : 0);
	(void)umask(0);
	return smfi_register(description) == MI_SUCCESS && smfi_setconn(argv[1]) == MI_SUCCESS &&
			       smfi_main() == MI_SUCCESS
		       ? 0
		       : 1;
}
