/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole-path benchmark: who contends, with which sources, and what was seen of it. Each
 * contender decides about the same SYNs on the same interface; only the one whose turn it is is
 * attached. All functions return 0 or -errno unless they say otherwise.
 */
#ifndef BENCH_PATH_H
#define BENCH_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_LIMIT       1 /* so that two SYNs of each source make the tables warm */
#define PATH_UNIT_S      600
#define PATH_TABLE       1048576 /* sources of the XDP contenders, and all that hashlimit can hold */
#define PATH_NFT_SET     2097152 /* unless they are to have room for all */
#define PATH_ROUNDS_MAX  31
#define PATH_DEVICE_SIZE 16

enum contender { FLOOR, NFT_INGRESS, NFT_PREROUTING, HASHLIMIT, TEXTBOOK, SYNANVIL, CONTENDERS };
enum profile_id { ONE, TEN_THOUSAND, MILLION, RANDOM, RANDOM_FULL, PROFILES };

struct profile {
	const char *name;
	const char *key;  /* in JSON */
	uint32_t sources; /* 0: a new one each time */
	uint32_t mask;    /* sources are chosen by this many bits: at least two SYNs each a turn */
	uint32_t warm;    /* SYNs until every source is over its limit, or every table is full */
	/* nft's sets have room for every source of the run, and are not filled beforehand: a set
	 * that is full lets go every source that it does not hold. */
	bool nft_has_room;
};

/* The two ends of the link, each in its network namespace. */
struct lab {
	int clients_ns;
	int mail_ns;
	unsigned clients_ifindex;
	unsigned mail_ifindex;
	char clients_device[PATH_DEVICE_SIZE];
	char mail_device[PATH_DEVICE_SIZE];
	uint8_t clients_mac[6];
	uint8_t mail_mac[6];
	uint32_t mail_address_be;
};

/* One contender's turn. */
struct turn {
	double ns;      /* a SYN, the floor included */
	double dropped; /* share of the SYNs sent that the contender dropped */
};

/* path_lab.c */
int lab_open(struct lab *ret_lab, char *const names[5]); /* namespace, device; the same; address */
int lab_enter_clients(const struct lab *lab);
int lab_enter_mail(const struct lab *lab);
/* Frames that the mail host's device has received. Both are to be called in the mail host's
 * namespace. */
int lab_received(const struct lab *lab, uint64_t *ret_frames);
/* Frames that got past the contender: the sink of path_netfilter.c counts them. */
int lab_passed(uint64_t *ret_frames);

/* path_flood.c: the generator; to be called in the clients' namespace. */
struct flood;
int flood_open(const struct lab *lab, struct flood **ret_flood);
void flood_choose(struct flood *flood, const struct profile *profile);
int flood_send(const struct flood *flood, uint32_t frames, double *ret_ns);
int flood_floor_fd(const struct flood *flood); /* the program that drops everything */
struct flood *flood_free(struct flood *flood);

/* path_xdp.c: textbook and synanvil, fresh tables each time they are opened. */
struct contestants;
int contestants_open(const struct lab *lab, bool drop_all, struct contestants **ret_set);
int contestants_fd(const struct contestants *set, enum contender contender);
struct contestants *contestants_free(struct contestants *set);

/* path_netfilter.c: nft and iptables; to be called in the mail host's namespace. */
int netfilter_open(uint64_t set_size); /* empty sets, and the sink */
int netfilter_on(const struct lab *lab, enum contender contender, bool drop_all);
int netfilter_off(const struct lab *lab, enum contender contender);
int netfilter_close(void);

/* path_report.c */
struct results {
	const struct profile *profiles; /* PROFILES of them */
	const char *const *names;
	const char *const *keys;
	size_t rounds;
	uint32_t frames; /* a turn */
	struct turn turns[PROFILES][CONTENDERS][PATH_ROUNDS_MAX];
};
bool report_print(const struct results *results); /* false if a figure is invalid */
int report_write(const struct results *results, const char *file);

#endif
