/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions and blocks: random lists, compiled and written as the agent does it, against a naive
 * evaluation of the same lists; and what a cached classification must not hide.
 */
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "lab.h"
#include "rules.h"

#define ROUNDS      60U
#define LIST_MAX    24U
#define ASKED       100U
#define SEED        0x0ddba11cafef00dULL
#define WALL_NOW_MS 1700000000000LL

struct lists {
	struct config_pattern items[LIST_MAX];
	struct config_patterns configured;
	struct prefix runtime[LIST_MAX];
	size_t runtime_count;
	struct block_rule blocks[LIST_MAX];
	size_t block_count;
};

static uint64_t random_next(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

static unsigned below(uint64_t *random, unsigned bound)
{
	return (unsigned)(random_next(random) >> 33) % bound;
}

/* Few different bits, so that prefixes nest and addresses fall into them. */
static struct sa_address random_address(uint64_t *random)
{
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 0 };
	struct sa_address address;

	if (below(random, 2)) {
		memcpy(bytes, (const uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8 }, sizeof(bytes));
		bytes[4 + below(random, 4)] = (uint8_t)(below(random, 2) << 7);
		bytes[8] = (uint8_t)(below(random, 4) << 6);
		bytes[15] = (uint8_t)below(random, 3);
	} else {
		bytes[13] = (uint8_t)(below(random, 2) << 7);
		bytes[14] = (uint8_t)(below(random, 4) << 6);
		bytes[15] = (uint8_t)below(random, 3);
	}
	memcpy(&address, bytes, sizeof(address));
	return address;
}

static bool is_ipv4(const struct sa_address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(address, mapped, sizeof(mapped));
}

static struct prefix random_prefix(uint64_t *random)
{
	static const uint8_t ipv4[] = { 96, 104, 112, 113, 120, 122, 126, 127, 128 };
	static const uint8_t ipv6[] = { 0, 16, 32, 33, 48, 64, 66, 96, 104, 127, 128 };
	const struct sa_address address = random_address(random);
	struct prefix prefix;

	prefix_of(&address,
		  is_ipv4(&address) ? ipv4[below(random, sizeof(ipv4))]
				    : ipv6[below(random, sizeof(ipv6))],
		  &prefix);
	return prefix;
}

/* Bit by bit. The family of a short prefix cannot be seen in its bits: below 96 it is IPv6. */
static bool matches(const struct prefix *prefix, const struct sa_address *address)
{
	const uint8_t *bytes = (const uint8_t *)address;

	if (prefix->length < 96 && is_ipv4(address))
		return false;
	for (unsigned i = 0; i < prefix->length; i++)
		if ((prefix->address[i / 8] ^ bytes[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

/* What an attempt of the address gets, straight from what the lists promise. */
static int naive(const struct lists *lists, const struct sa_address *address)
{
	for (size_t i = 0; i < lists->runtime_count; i++)
		if (matches(&lists->runtime[i], address))
			return SA_REASON_EXEMPT;
	for (size_t i = 0; i < lists->configured.count; i++)
		if (matches(&lists->items[i].prefix, address)) {
			if (!lists->items[i].negated)
				return SA_REASON_EXEMPT;
			break;
		}
	for (size_t i = 0; i < lists->block_count; i++)
		if (matches(&lists->blocks[i].prefix, address) &&
		    lists->blocks[i].ends_ms > WALL_NOW_MS)
			return SA_REASON_BLOCKED;
	return SA_REASON_UNLIMITED;
}

static void random_lists(uint64_t *random, struct lists *lists)
{
	static const int64_t ends[] = { WALL_NOW_MS - 1000, WALL_NOW_MS, WALL_NOW_MS + 3600000,
					WALL_NOW_MS + 7200000, INT64_MAX };

	memset(lists, 0, sizeof(*lists));
	lists->configured.items = lists->items;
	lists->configured.count = below(random, LIST_MAX);
	for (size_t i = 0; i < lists->configured.count; i++)
		lists->items[i] = (struct config_pattern){ .is_prefix = true,
							   .negated = below(random, 2),
							   .prefix = random_prefix(random) };
	lists->runtime_count = below(random, 4);
	for (size_t i = 0; i < lists->runtime_count; i++)
		lists->runtime[i] = random_prefix(random);
	lists->block_count = below(random, LIST_MAX);
	for (size_t i = 0; i < lists->block_count; i++)
		lists->blocks[i] = (struct block_rule){ .prefix = random_prefix(random),
							.ends_ms = ends[below(random, 5)] };
}

/* What the kernel's tries hold, for the next replacement. */
struct held {
	struct exception_entry *runtime;
	size_t runtime_count;
	struct block_entry *blocks;
	size_t block_count;
};

static void write_lists(struct lab *lab, const struct lists *lists, struct held *held)
{
	_cleanup_free_ struct exception_entry *configured = NULL;
	struct held fresh;
	size_t count;

	assert_int_equal(rules_compile_configured(&lists->configured, &configured, &count), 0);
	lab_apply_list(lab, configured, count);
	assert_int_equal(rules_compile_runtime(lists->runtime, lists->runtime_count, &fresh.runtime,
					       &fresh.runtime_count),
			 0);
	assert_int_equal(rules_compile_blocks(lists->blocks, lists->block_count, WALL_NOW_MS,
					      lab_now_ms(), &fresh.blocks, &fresh.block_count),
			 0);
	assert_int_equal(tables_runtime_replace(&lab->tables, held->runtime, held->runtime_count,
						fresh.runtime, fresh.runtime_count),
			 0);
	assert_int_equal(tables_blocks_replace(&lab->tables, held->blocks, held->block_count,
					       fresh.blocks, fresh.block_count),
			 0);
	free(held->runtime);
	free(held->blocks);
	*held = fresh;
}

static void check_address(struct lab *lab, const struct lists *lists,
			  const struct sa_address *address)
{
	char text[PREFIX_TEXT_SIZE];

	address_format(address, text);
	/* Twice: the second time what was found out may be known. */
	for (unsigned i = 0; i < 2; i++) {
		int reason = naive(lists, address);

		lab_assert_judgement(text, lab_attempt(lab, text, 25),
				     reason == SA_REASON_BLOCKED ? LAB_DROP : LAB_PASS, reason);
	}
}

/* Sources stay from round to round: whatever was cached about them must not outlive its lists. */
static void check_random(struct lab *lab)
{
	_cleanup_free_ struct lists *lists = malloc(sizeof(*lists));
	struct held held = { 0 };
	uint64_t random = SEED;

	assert_non_null(lists);
	lab->settings.services[0].rate_limit = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		random_lists(&random, lists);
		write_lists(lab, lists, &held);
		for (unsigned i = 0; i < ASKED; i++) {
			struct sa_address address = random_address(&random);

			check_address(lab, lists, &address);
		}
	}
	free(held.runtime);
	free(held.blocks);
}

static void test_random_lists(void **state)
{
	check_random(*state);
}

static void test_random_lists_short_masks(void **state)
{
	struct lab *lab = *state;

	lab->settings.mask_ipv6 = (struct sa_address){ 0 };
	lab->settings.cache_classification = 0;
	check_random(lab);
}

static struct prefix prefix_parsed(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, strlen(text), PREFIX_ANY, &prefix), PREFIX_OK);
	return prefix;
}

/* Adds the one rule to no rules, or takes it away again. */
static void exempt(struct lab *lab, const char *text, bool on)
{
	const struct exception_entry entry = { prefix_parsed(text), SA_EXCEPTION_EXEMPT };

	assert_int_equal(tables_runtime_replace(&lab->tables, &entry, !on, &entry, on), 0);
}

static void block(struct lab *lab, const char *text, bool on)
{
	const struct block_entry entry = { prefix_parsed(text), ~0ULL };

	assert_int_equal(tables_blocks_replace(&lab->tables, &entry, !on, &entry, on), 0);
}

/* Runs of one SYN each: the first after a change is judged by the change. */
static void test_changes_hold_at_once(void **state)
{
	static const char *const rules[][2] = {
		{ "192.0.2.1", "192.0.2.1" },       { "192.0.2.1", "192.0.2.0/24" },
		{ "192.0.2.1", "0.0.0.0/0" },       { "2001:db8::1", "2001:db8::1" },
		{ "2001:db8::1", "2001:db8::/64" }, { "2001:db8::1", "::/0" },
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const char *client = rules[i][0], *prefix = rules[i][1];

		lab_forget(lab);
		assert_int_equal(lab_attempts(lab, client, 25, 10), LAB_LIMIT);
		for (unsigned turn = 0; turn < 3; turn++) {
			exempt(lab, prefix, true);
			lab_assert_judgement(prefix, lab_attempt(lab, client, 25), LAB_PASS,
					     SA_REASON_EXEMPT);
			exempt(lab, prefix, false);
			lab_assert_judgement(prefix, lab_attempt(lab, client, 25), LAB_DROP,
					     SA_REASON_RATE);
			block(lab, prefix, true);
			lab_assert_judgement(prefix, lab_attempt(lab, client, 25), LAB_DROP,
					     SA_REASON_BLOCKED);
			block(lab, prefix, false);
			lab_assert_judgement(prefix, lab_attempt(lab, client, 25), LAB_DROP,
					     SA_REASON_RATE);
		}
	}
}

/* Two addresses of one source, one of them listed: the one's cached fact is not the other's. */
static void test_listed_neighbour(void **state)
{
	static const char listed[] = "2001:db8::1", neighbour[] = "2001:db8::2";
	struct lab *lab = *state;

	exempt(lab, listed, true);
	for (unsigned i = 0; i < 20; i++) {
		lab_assert_judgement(neighbour, lab_attempt(lab, neighbour, 25),
				     i < LAB_LIMIT ? LAB_PASS : LAB_DROP,
				     i < LAB_LIMIT ? SA_REASON_WITHIN_LIMIT : SA_REASON_RATE);
		lab_assert_judgement(listed, lab_attempt(lab, listed, 25), LAB_PASS,
				     SA_REASON_EXEMPT);
	}
}

/* Blocks end by themselves, at their millisecond, also under a longer one that covers them. */
static void test_blocks_end(void **state)
{
	struct lab *lab = *state;
	const int64_t wall = WALL_NOW_MS;
	const struct block_rule rules[] = {
		{ prefix_parsed("192.0.2.0/24"), wall + 3600000, false },
		{ prefix_parsed("192.0.2.1"), wall + 30, false },
		{ prefix_parsed("198.51.100.1"), wall + 30, false },
	};
	struct block_entry *entries;
	uint64_t start = lab_now_ms();
	size_t count;

	lab->settings.services[0].rate_limit = 0;
	lab_apply(lab);
	assert_int_equal(rules_compile_blocks(rules, 3, wall, start, &entries, &count), 0);
	assert_int_equal(tables_blocks_replace(&lab->tables, NULL, 0, entries, count), 0);
	free(entries);
	while (lab_attempts(lab, "198.51.100.1", 25, 1) == 0)
		assert_in_range(lab_now_ms(), start, start + 5000);
	assert_true(lab_now_ms() >= start + 30);
	lab_assert_judgement("/32 ended, /24 has not", lab_attempt(lab, "192.0.2.1", 25), LAB_DROP,
			     SA_REASON_BLOCKED);
	lab_assert_judgement("neighbour", lab_attempt(lab, "192.0.2.2", 25), LAB_DROP,
			     SA_REASON_BLOCKED);
}

/* Neither an exception nor a block for all of IPv6 is one for IPv4. */
static void test_families_apart(void **state)
{
	struct config_pattern all = { .is_prefix = true };
	const struct config_patterns patterns = { &all, 1 };
	struct exception_entry *entries;
	struct lab *lab = *state;
	size_t count;

	assert_int_equal(prefix_parse("[::]/0", 6, PREFIX_LIST, &all.prefix), PREFIX_OK);
	assert_int_equal(rules_compile_configured(&patterns, &entries, &count), 0);
	lab_apply_list(lab, entries, count);
	free(entries);
	lab_assert_judgement("IPv6", lab_attempt(lab, CLIENT_IPV6, 25), LAB_PASS, SA_REASON_EXEMPT);
	assert_int_equal(lab_attempts(lab, CLIENT_IPV4, 25, 10), LAB_LIMIT);
}

/* Exempt and blocked attempts are charged to nobody. */
static void test_not_charged(void **state)
{
	struct lab *lab = *state;
	uint64_t attempts;
	size_t sources;

	exempt(lab, "192.0.2.0/24", true);
	block(lab, "198.51.100.0/24", true);
	assert_int_equal(lab_attempts(lab, "192.0.2.1", 25, 100), 100);
	assert_int_equal(lab_attempts(lab, "198.51.100.1", 25, 100), 0);
	lab_table(lab, &sources, &attempts);
	assert_int_equal(sources, 0);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		LAB_TEST(test_changes_hold_at_once),
		LAB_TEST(test_listed_neighbour),
		LAB_TEST(test_blocks_end),
		LAB_TEST(test_families_apart),
		LAB_TEST(test_not_charged),
		LAB_TEST(test_random_lists),
		LAB_TEST(test_random_lists_short_masks),
	};

	return LAB_RUN("rules", tests);
}
