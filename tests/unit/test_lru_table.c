/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest.c, lru_table.c: known digests; a table against a list of what was used when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lru_table.h"
#include "random.h"

#define CAPACITY 32
#define KEYS     80

/* Key 00 01 .. 0f; results as OpenSSL computes them. */
static const struct digest_secret secret = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };

static void digest_is(const char *text, size_t piece, const char *want)
{
	const size_t size = strlen(text);
	struct digest_state state;
	struct digest digest;
	char got[33];

	digest_start(&state, &secret);
	for (size_t i = 0; i < size; i += piece)
		digest_add(&state, text + i, i + piece < size ? piece : size - i);
	digest_end(&state, &digest);
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(got + 2 * i, 3, "%02X", ((const uint8_t *)&digest)[i]);
	assert_string_equal(got, want);
}

static void digests_are_siphash(void **state)
{
	(void)state;
	digest_is("", 1, "A3817F04BA25A8E66DF67214C7550293");
	for (size_t piece = 1; piece < 12; piece++)
		digest_is("abcdefghijk", piece, "6C86ECD81CDA7DF5AF8DDD2EF2FF486F");
}

/* The same done slowly: keys in the order of their last use, the newest first. */
struct model {
	unsigned keys[CAPACITY];
	uint64_t values[KEYS];
	unsigned count;
};

static int model_find(const struct model *model, unsigned key)
{
	for (unsigned i = 0; i < model->count; i++)
		if (model->keys[i] == key)
			return (int)i;
	return -1;
}

static void model_remove(struct model *model, unsigned key)
{
	const int at = model_find(model, key);

	if (at < 0)
		return;
	memmove(&model->keys[at], &model->keys[at + 1],
		(--model->count - (unsigned)at) * sizeof(model->keys[0]));
}

static void model_use(struct model *model, unsigned key)
{
	model_remove(model, key);
	if (model->count == CAPACITY)
		model->count--;
	memmove(&model->keys[1], &model->keys[0], model->count++ * sizeof(model->keys[0]));
	model->keys[0] = key;
}

/* Few bits, so that buckets have chains. */
static struct digest key_of(unsigned key)
{
	return (struct digest){ { key % 7, key } };
}

struct walk {
	const struct model *model;
	unsigned left;
};

static int visit(const struct digest *key, const void *value, void *context)
{
	struct walk *walk = context;
	const unsigned expected = walk->model->keys[--walk->left];

	assert_int_equal(key->words[1], expected);
	assert_int_equal(*(const uint64_t *)value, walk->model->values[expected]);
	return 0;
}

static void put(struct lru_table *table, struct model *model, unsigned number, uint64_t fresh)
{
	const struct digest key = key_of(number);
	const bool known = model_find(model, number) >= 0;
	uint64_t *value = lru_table_put(table, &key);

	assert_int_equal(*value, known ? model->values[number] : 0);
	*value = fresh;
	model->values[number] = fresh;
	model_use(model, number);
}

static void find(struct lru_table *table, struct model *model, unsigned number)
{
	const struct digest key = key_of(number);
	const bool known = model_find(model, number) >= 0;
	const uint64_t *value = lru_table_find(table, &key);

	assert_int_equal(value != NULL, known);
	if (!known)
		return;
	assert_int_equal(*value, model->values[number]);
	model_use(model, number);
}

static void table_is_what_a_list_would_be(void **state)
{
	struct model model = { 0 };
	struct lru_table table;
	struct random random = { 7 };

	(void)state;
	assert_int_equal(lru_table_init(&table, CAPACITY, sizeof(uint64_t)), 0);
	for (unsigned step = 0; step < 20000; step++) {
		const unsigned number = (unsigned)random_below(&random, KEYS);
		const struct digest key = key_of(number);
		struct walk walk = { &model, 0 };

		switch (random_below(&random, 4)) {
		case 0:
		case 1:
			put(&table, &model, number, random_next(&random));
			break;
		case 2:
			find(&table, &model, number);
			break;
		default:
			assert_int_equal(lru_table_peek(&table, &key) != NULL,
					 model_find(&model, number) >= 0);
			if (random_below(&random, 2)) {
				lru_table_remove(&table, &key);
				model_remove(&model, number);
			}
		}
		assert_int_equal(table.count, model.count);
		walk.left = model.count;
		assert_int_equal(lru_table_each(&table, visit, &walk), 0);
		assert_int_equal(walk.left, 0);
	}
	lru_table_done(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_siphash),
		cmocka_unit_test(table_is_what_a_list_would_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
