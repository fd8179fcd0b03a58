/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines and expansion as Postfix does them: each fragment of tests/golden/expand/fragments has the
 * value that "values" says, and where Postfix is installed, its postconf says the same. Run from
 * the source directory; SYNANVIL_GOLDEN=write writes "values" anew from what postconf says.
 */
#include "postfix_oracle.h"

#define FRAGMENTS "tests/golden/expand/fragments"
#define VALUES    "tests/golden/expand/values"

static char *read_whole(const char *path)
{
	const char *message = NULL;
	char *text = NULL;
	size_t size = 0;

	if (config_read_file(NULL, path, &text, &size, &message) < 0)
		return NULL;
	text[size] = '\0';
	return text;
}

static struct corpus *corpus_read(void)
{
	static const char separator[] = "\n%%\n";
	struct corpus *corpus = calloc(1, sizeof(*corpus));
	_cleanup_free_ char *text = read_whole(FRAGMENTS);
	char *next;

	assert_non_null(corpus);
	assert_non_null(text);
	text[strlen(text) - 1] = '\0'; /* the last newline */
	for (next = strstr(text, separator); next; next = strstr(next, separator)) {
		char *end;

		next += strlen(separator);
		end = strstr(next, separator);
		assert_true(corpus->count < FRAGMENTS_MAX);
		corpus->items[corpus->count].text =
			end ? strndup(next, (size_t)(end - next)) : strdup(next);
		corpus->count++;
		next -= next[-1] == '\n'; /* which may begin the next separator */
	}
	return corpus;
}

static void write_values(struct corpus *corpus)
{
	_cleanup_fclose_ FILE *file = NULL;
	bool none[FRAGMENTS_MAX] = { false };

	ask_postfix(corpus, none, SIZE_MAX);
	file = fopen(VALUES, "w");
	assert_non_null(file);
	for (size_t i = 0; i < corpus->count; i++) {
		const char *value = corpus->items[i].value;

		(void)fprintf(file, "%s%s\n", value ? "= " : "error", value ? value : "");
	}
}

static void read_values(struct corpus *corpus)
{
	_cleanup_free_ char *text = read_whole(VALUES);
	char *line = text;

	assert_non_null(text);
	for (size_t i = 0; i < corpus->count; i++) {
		char *end = strchr(line, '\n');

		assert_non_null(end);
		*end = '\0';
		free(corpus->items[i].value);
		corpus->items[i].value = line[0] == '=' ? strdup(line + strlen("= ")) : NULL;
		line = end + 1;
	}
	assert_string_equal(line, "");
}

static void test_stored_values(void **state)
{
	struct corpus *corpus = corpus_read();

	(void)state;
	assert_true(corpus->count >= 200);
	if (getenv("SYNANVIL_GOLDEN"))
		write_values(corpus);
	read_values(corpus);
	for (size_t i = 0; i < corpus->count; i++) {
		_cleanup_free_ char *ours = our_value(corpus->items[i].text);

		assert_same(&corpus->items[i], ours, corpus->items[i].value, "in " VALUES);
	}
	corpus_free(corpus);
}

/* Whether the installed Postfix still is as "values" says. */
static void test_postfix_gives_these_values(void **state)
{
	struct corpus *stored = NULL;
	struct corpus *answers = NULL;
	bool right[FRAGMENTS_MAX];

	(void)state;
	if (!have_postfix()) {
		print_message("skipped: Postfix is not installed\n");
		skip();
	}
	stored = corpus_read();
	answers = corpus_read();
	read_values(stored);
	for (size_t i = 0; i < stored->count; i++)
		right[i] = stored->items[i].value != NULL;
	ask_postfix(answers, right, SIZE_MAX);
	for (size_t i = 0; i < stored->count; i++)
		assert_same(&stored->items[i], stored->items[i].value, answers->items[i].value,
			    "for Postfix");
	corpus_free(stored);
	corpus_free(answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stored_values),
		cmocka_unit_test(test_postfix_gives_these_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
