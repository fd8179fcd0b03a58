/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live connections of a lab: counts that a test writes as the counting program would have, and the
 * places of connections on their way.
 */
#ifndef TESTS_BPF_LAB_LIVE_H
#define TESTS_BPF_LAB_LIVE_H

#include "lab.h"

/* For cmocka, before each test: as lab_setup, without any live connection. */
int lab_live_setup(void **state);
#define LAB_LIVE_TEST(function) cmocka_unit_test_setup(function, lab_live_setup)

/* So many connections of the source that address belongs to; the service's total stays. */
void lab_set_live(const struct lab *lab, const char *address, const struct sa_service *service,
		  uint32_t count);

/* The same by itself: who was noted to have none still is, until the packet path is to look anew.
 */
void lab_count_live(const struct lab *lab, const char *address, const struct sa_service *service,
		    uint32_t count);
void lab_look_anew(const struct lab *lab);

/* So many connections of the service, whoever's they are. */
void lab_set_service_live(const struct lab *lab, const struct sa_service *service, uint32_t count);

/* Until when limits hold by these counts: as tables_live_hold. Always, at first. */
void lab_hold_live(const struct lab *lab, uint64_t until_ms);

/* Places of a known source that have not lapsed; 0 where there is no entry. */
unsigned lab_places(const struct lab *lab, const char *address, const struct sa_service *service);

/* Lets so much time pass for the places of a known source. */
void lab_age_places(const struct lab *lab, const char *address, const struct sa_service *service,
		    uint32_t slots);

/* What follows reads and writes tables that tables_live_open has mapped. */

struct sa_source_key lab_key(const struct lab *lab, const char *address,
			     const struct sa_service *service);

/* Connections of the source that address belongs to, and of the service. */
uint32_t lab_live(const struct lab *lab, const char *address, const struct sa_service *service);
uint32_t lab_service_live(const struct lab *lab, const struct sa_service *service);

/* Entries of all connections, of whatever epoch. */
size_t lab_entries(const struct lab *lab);

/* Enters connections of nobody's into the map of those without a home, until it has room for one
 * more; or takes them out again. */
void lab_fill_connections(const struct lab *lab, bool filled);

/* All homes, mapped; they go with the lab. */
struct sa_home *lab_homes(struct lab *lab);

/* Takes all homes, whoever's they are, by entries that are never done and nobody reads; or frees
 * them. */
void lab_take_homes(struct lab *lab, bool taken);

#endif
