/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netfilter contenders, with the limit of the others in the words that they have for it. What
 * they know of the sources stays between their turns, their hooks do not: an idle contender costs
 * the others nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "path.h"

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

/* One attempt in ten minutes. */
#define NFT_LIMIT "limit rate over 6/hour burst " STRING(PATH_LIMIT) " packets"
#define NFT_RULE                                                                                  \
	"tcp dport 25 tcp flags & (syn | ack | rst | fin) == syn add @seen { ip saddr " NFT_LIMIT \
	" } drop\n"

#define NFT_SET "set seen { type ipv4_addr; size %" PRIu64 "; flags dynamic; }\n"

/* clang-format off */
#define HASHLIMIT_MATCH                                                                         \
	"-p tcp --dport 25 --syn -m hashlimit --hashlimit-name path --hashlimit-mode srcip "    \
	"--hashlimit-above 6/hour --hashlimit-burst " STRING(PATH_LIMIT)                        \
	" --hashlimit-htable-size " STRING(PATH_TABLE) " --hashlimit-htable-max " STRING(PATH_TABLE) \
	" --hashlimit-htable-expire 36000000"
/* clang-format on */

static int nft(const char *rules)
{
	FILE *pipe = popen("nft -f -", "we");

	if (!pipe)
		return -errno;
	(void)fputs(rules, pipe);
	return pclose(pipe) ? -EPROTO : 0;
}

static int shell(const char *command)
{
	return system(command) ? -EPROTO : 0;
}

/*
 * The sink is the last to see a SYN: it counts what the contender let through and ends its way, so
 * that nothing is answered. hashlimit forgets its sources with the last rule that names them: a
 * chain that is never called keeps one.
 */
int netfilter_open(uint64_t set_size)
{
	_cleanup_free_ char *tables = NULL;
	int error;

	if (asprintf(&tables,
		     "table netdev path {\n" NFT_SET "}\ntable ip path {\n" NFT_SET "}\n"
		     "table ip path_sink {\n"
		     "chain sink { type filter hook prerouting priority filter;\n"
		     "tcp dport 25 counter drop\n}\n}\n",
		     set_size, set_size) < 0)
		return -ENOMEM;
	error = nft(tables);
	if (!error)
		error = shell("iptables-nft -t raw -N path_keep");
	if (!error)
		error = shell("iptables-nft -t raw -A path_keep " HASHLIMIT_MATCH " -j DROP");
	return error;
}

static int ingress_on(const struct lab *lab, const char *rest)
{
	_cleanup_free_ char *rules = NULL;

	if (asprintf(&rules,
		     "table netdev path {\nchain over {\n"
		     "type filter hook ingress device \"%s\" priority filter;\n" NFT_RULE
		     "%s\n}\n}\n",
		     lab->mail_device, rest) < 0)
		return -ENOMEM;
	return nft(rules);
}

static int prerouting_on(const char *rest)
{
	_cleanup_free_ char *rules = NULL;

	if (asprintf(&rules,
		     "table ip path {\nchain over {\n"
		     "type filter hook prerouting priority raw;\n" NFT_RULE "%s\n}\n}\n",
		     rest) < 0)
		return -ENOMEM;
	return nft(rules);
}

/* drop_all: what is within the limit, or finds no room in the set, ends here too. */
int netfilter_on(const struct lab *lab, enum contender contender, bool drop_all)
{
	const char *rest = drop_all ? "tcp dport 25 drop" : "";
	int error;

	if (contender == NFT_INGRESS)
		return ingress_on(lab, rest);
	if (contender == NFT_PREROUTING)
		return prerouting_on(rest);
	error = shell("iptables-nft -t raw -A PREROUTING " HASHLIMIT_MATCH " -j DROP");
	if (!error && drop_all)
		error = shell("iptables-nft -t raw -A PREROUTING -p tcp --dport 25 -j DROP");
	return error;
}

int netfilter_off(const struct lab *lab, enum contender contender)
{
	(void)lab;
	if (contender == NFT_INGRESS)
		return nft("flush chain netdev path over\ndelete chain netdev path over\n");
	if (contender == NFT_PREROUTING)
		return nft("flush chain ip path over\ndelete chain ip path over\n");
	return nft("flush chain ip raw PREROUTING\ndelete chain ip raw PREROUTING\n");
}

int netfilter_close(void)
{
	return nft("flush ruleset\n");
}
