/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments of main.cf made up at random: where Postfix is installed, its postconf gives them the
 * values that they have here.
 */
#include "postfix_oracle.h"
#include "random.h"

#define GENERATED   300
#define WRONG_ASKED 20 /* of the generated ones */

static void generate_text(struct random *random, struct config_text *text, unsigned depth);

static void generate_word(struct random *random, struct config_text *text)
{
	static const char *const words[] = {
		"a",  "b ",    " c",  "10", "010", "9",   "3.6", "$$",
		"::", "[::1]", " , ", "?",  "!",   "{x}", ".",   "who"
	};

	add_text(text, words[random_below(random, sizeof(words) / sizeof(words[0]))]);
}

static void generate_name(struct random *random, struct config_text *text)
{
	static const char *const names[] = { "header_size_limit", "queue_minfree", "nosuchname",
					     "@a", "@b" };

	add_text(text, names[random_below(random, sizeof(names) / sizeof(names[0]))]);
}

static void generate_operand(struct random *random, struct config_text *text, unsigned depth)
{
	static const char *const blanks[] = { "", "", " ", "  " };

	add_text(text, blanks[random_below(random, 4)]);
	add_text(text, "{");
	generate_text(random, text, depth);
	add_text(text, "}");
	add_text(text, blanks[random_below(random, 4)]);
}

static void generate_choice(struct random *random, struct config_text *text, unsigned depth)
{
	const uint64_t kind = random_below(random, 5);

	if (kind < 3) {
		add_text(text, "?");
		generate_operand(random, text, depth);
	}
	if (kind == 1) {
		add_text(text, ":");
		generate_text(random, text, depth);
	} else if (kind >= 2) {
		add_text(text, ":");
		generate_operand(random, text, depth);
	}
}

static void generate_relation(struct random *random, struct config_text *text, unsigned depth)
{
	static const char *const relations[] = { "==", "!=", "<",      "<=",
						 ">",  ">=", "<level", " >=level " };

	generate_operand(random, text, depth);
	add_text(text, relations[random_below(random, 8)]);
	generate_operand(random, text, depth);
	if (random_below(random, 4) > 0)
		generate_choice(random, text, depth);
}

static void generate_text(struct random *random, struct config_text *text, unsigned depth)
{
	for (uint64_t pieces = random_below(random, 3) + (depth == 0); pieces > 0; pieces--) {
		const uint64_t kind = random_below(random, depth < 4 ? 6 : 2);

		if (kind < 2) {
			generate_word(random, text);
			continue;
		}
		add_text(text, kind == 2 ? "$" : "${");
		if (kind == 5)
			generate_relation(random, text, depth + 1);
		else
			generate_name(random, text);
		if (kind == 4)
			generate_choice(random, text, depth + 1);
		add_text(text, kind == 2 ? "" : "}");
	}
}

/* A typing error: one character is another one. */
static void spoil(struct random *random, char *text, size_t size)
{
	static const char characters[] = "{}$:?=<!() a0";

	if (size > 0)
		text[random_below(random, size)] =
			characters[random_below(random, sizeof(characters) - 1)];
}

/* Whether the names of parameters, which differ between us and Postfix, stand for values only. */
static bool names_are_references(const char *text)
{
	for (const char *at = strchr(text, '@'); at; at = strchr(at + 1, '@')) {
		if (at == text ||
		    (at[-1] != '$' && (at[-1] != '{' || at - 1 == text || at[-2] != '$')))
			return false;
	}
	return true;
}

static char *generate(struct random *random)
{
	static const char *const values[] = { "", "10", "x y", "$header_size_limit", "$@b?" };
	struct config_text text = { 0 };
	char *whole = NULL;

	do {
		text.size = 0;
		add_text(&text, "");
		generate_text(random, &text, 0);
		if (random_below(random, 4) == 0)
			spoil(random, text.data, text.size);
	} while (!names_are_references(text.data));
	assert_true(asprintf(&whole, "@ = .%s.\n@a = %s\n@b = %s", text.data,
			     values[random_below(random, 5)], values[random_below(random, 4)]) > 0);
	free(text.data);
	return whole;
}

/* All that we take for right, and some of what we take for wrong. */
static void test_postfix_agrees_at_random(void **state)
{
	struct random random = { 20260101 };
	struct corpus *answers;
	char *ours[GENERATED];
	bool right[FRAGMENTS_MAX] = { false };
	size_t wrong = 0;

	(void)state;
	if (!have_postfix()) {
		print_message("skipped: Postfix is not installed\n");
		skip();
	}
	answers = calloc(1, sizeof(*answers));
	assert_non_null(answers);
	for (size_t i = 0; i < GENERATED; i++) {
		answers->items[i].text = generate(&random);
		ours[i] = our_value(answers->items[i].text);
		right[i] = ours[i] != NULL;
	}
	answers->count = GENERATED;
	ask_postfix(answers, right, WRONG_ASKED);
	for (size_t i = 0; i < GENERATED; i++) {
		if (right[i] || wrong++ < WRONG_ASKED)
			assert_same(&answers->items[i], ours[i], answers->items[i].value,
				    "for Postfix");
		free(ours[i]);
	}
	assert_true(wrong > 20 && wrong < GENERATED / 2);
	corpus_free(answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_postfix_agrees_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
