/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines and expansion as Postfix does them: each fragment of tests/golden/expand/fragments has the
 * value that "values" says, and where Postfix is installed, its postconf says the same, of these
 * and of fragments made up at random. Run from the source directory; SYNANVIL_GOLDEN=write writes
 * "values" anew from what postconf says.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cleanup.h"
#include "config_lines.h"
#include "config_support.h"
#include "random.h"

#define FRAGMENTS     "tests/golden/expand/fragments"
#define VALUES        "tests/golden/expand/values"

#define FRAGMENTS_MAX 500
#define GENERATED     300
#define WRONG_ASKED   20 /* of the generated ones */

/* How many postconf run at a time: one that fails takes a second to say so. */
#define SIDE_BY_SIDE 80

static const char common[] = "header_size_limit = who\nqueue_minfree = ${nosuchname}\n";

struct fragment {
	char *text;
	char *value; /* NULL: an error */
};

struct corpus {
	struct fragment items[FRAGMENTS_MAX];
	size_t count;
};

static void add_text(struct config_text *text, const char *more)
{
	assert_int_equal(config_text_append(text, more, strlen(more)), 0);
}

/* The fragment with a name in place of each marker. The caller frees. */
static char *with_names(const char *fragment, const char *plain, const char *a, const char *b)
{
	struct config_text text = { 0 };

	add_text(&text, "");
	for (const char *p = fragment; *p != '\0'; p++) {
		if (*p != '@')
			assert_int_equal(config_text_append(&text, p, 1), 0);
		else if (p[1] == 'a' || p[1] == 'b')
			add_text(&text, *++p == 'a' ? a : b);
		else
			add_text(&text, plain);
	}
	return text.data;
}

/* As postconf shows it: no blanks at its ends, and one for several. The caller frees. */
static char *shown(const char *text)
{
	char *out = calloc(1, strlen(text) + 1);
	size_t size = 0;

	assert_non_null(out);
	for (; *text != '\0'; text++) {
		if (!config_blank(*text))
			out[size++] = *text;
		else if (size > 0 && out[size - 1] != ' ')
			out[size++] = ' ';
	}
	if (size > 0 && out[size - 1] == ' ')
		out[size - 1] = '\0';
	return out;
}

/* What this program makes of a fragment; NULL for an error. The caller frees. */
static char *our_value(const char *fragment)
{
	_cleanup_free_ char *named =
		with_names(fragment, "queue_directory", "bpf_directory", "state_directory");
	_cleanup_free_ char *file = NULL;
	struct config config = { .file = (char *)TEST_FILE };
	struct report report = { 0 };
	struct config_loader loader = { .config = &config,
					.report = &report,
					.expansion_left = CONFIG_EXPANDED_MAX };
	const struct config_parameter *parameter =
		config_parameter_find("queue_directory", strlen("queue_directory"));
	char *value = NULL;

	config.values = calloc(1, sizeof(*config.values));
	assert_non_null(config.values);
	assert_true(asprintf(&file, "%s%s\n", common, named) > 0);
	assert_int_equal(config_settings_read(&loader, file, strlen(file)), 0);
	assert_int_equal(config_expand_all(&loader), 0);
	if (report.errors == 0)
		value = shown(config.values->settings[parameter - config_parameters].value.data);
	config_values_free(config.values);
	report_done(&report);
	return value;
}

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

static void corpus_free(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++) {
		free(corpus->items[i].text);
		free(corpus->items[i].value);
	}
	free(corpus);
}

/* --- postconf --- */

static FILE *create(const char *directory, size_t number, const char *name)
{
	char path[PATH_MAX];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%zu", directory, number);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/%zu/%s", directory, number, name);
	file = fopen(path, "w");
	assert_non_null(file);
	return file;
}

static void write_fragment(FILE *file, const struct fragment *fragment, size_t number)
{
	char name[32], a[32], b[32];
	_cleanup_free_ char *named = NULL;

	(void)snprintf(name, sizeof(name), "f%zu", number);
	(void)snprintf(a, sizeof(a), "f%zu_a", number);
	(void)snprintf(b, sizeof(b), "f%zu_b", number);
	named = with_names(fragment->text, name, a, b);
	(void)fprintf(file, "%s\n", named);
}

/* Starts postconf on those fragments of the corpus that are wanted, in a directory of their own. */
static FILE *start_postconf(const char *directory, size_t number, const struct corpus *corpus,
			    const bool *wanted)
{
	struct config_text command = { 0 };
	FILE *file = create(directory, number, "master.cf");
	FILE *output;
	char words[PATH_MAX];

	(void)fclose(file);
	file = create(directory, number, "main.cf");
	/* With a host name of its own it asks no name server. */
	(void)fprintf(file, "compatibility_level = 3.6\nmyhostname = mx.example.com\n%s", common);
	(void)snprintf(words, sizeof(words), "postconf -c %s/%zu -x", directory, number);
	add_text(&command, words);
	for (size_t i = 0; i < corpus->count; i++) {
		if (!wanted[i])
			continue;
		write_fragment(file, &corpus->items[i], i);
		(void)snprintf(words, sizeof(words), " f%zu", i);
		add_text(&command, words);
	}
	/* Names of our own exist for postconf once something refers to them. */
	(void)fprintf(file, "mydestination =");
	for (size_t i = 0; i < corpus->count; i++) {
		if (wanted[i])
			(void)fprintf(file, " $f%zu", i);
	}
	(void)fprintf(file, "\n");
	assert_int_equal(fclose(file), 0);
	add_text(&command, " 2>/dev/null");
	output = popen(command.data, "r");
	assert_non_null(output);
	free(command.data);
	return output;
}

/* Takes what it printed; false where it failed. */
static bool finish_postconf(FILE *output, struct corpus *answers)
{
	char line[8192];
	bool any = false;

	while (fgets(line, sizeof(line), output)) {
		char *end = line;
		const size_t i = strtoul(line + 1, &end, 10);

		assert_true(line[0] == 'f' && i < answers->count && strncmp(end, " =", 2) == 0);
		free(answers->items[i].value);
		answers->items[i].value = shown(end + strlen(" ="));
		any = true;
	}
	return pclose(output) == 0 && any;
}

static bool have_postfix(void)
{
	return system("command -v postconf >/dev/null 2>&1") == 0;
}

/* Each wanted fragment by a postconf of its own. */
static void ask_each(const char *directory, struct corpus *answers, const bool *wanted)
{
	bool one[FRAGMENTS_MAX] = { false };
	size_t i = 0;

	while (i < answers->count) {
		FILE *running[SIDE_BY_SIDE];
		size_t first = i;
		size_t started = 0;

		for (; i < answers->count && started < SIDE_BY_SIDE; i++) {
			if (!wanted[i])
				continue;
			one[i] = true;
			running[started++] = start_postconf(directory, i + 1, answers, one);
			one[i] = false;
		}
		for (size_t j = 0; j < started; first++) {
			if (wanted[first] && !finish_postconf(running[j++], answers)) {
				free(answers->items[first].value);
				answers->items[first].value = NULL;
			}
		}
	}
}

/*
 * What Postfix makes of the corpus: of what we take for right by one postconf, of what we take for
 * wrong by one each. If that one fails, each is asked: that takes long, and tells which it was.
 */
static void ask_postfix(struct corpus *answers, const bool *right, size_t wrong_max)
{
	char directory[] = "/tmp/synanvil-test-XXXXXX";
	char remove[sizeof(directory) + 20];
	bool wrong[FRAGMENTS_MAX] = { false };
	bool any = false;

	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < answers->count && wrong_max > 0; i++) {
		wrong[i] = !right[i];
		wrong_max -= wrong[i];
	}
	for (size_t i = 0; i < answers->count; i++)
		any |= right[i];
	if (any && !finish_postconf(start_postconf(directory, 0, answers, right), answers))
		ask_each(directory, answers, right);
	ask_each(directory, answers, wrong);
	(void)snprintf(remove, sizeof(remove), "rm -r %s", directory);
	assert_int_equal(system(remove), 0);
}

static void assert_same(const struct fragment *fragment, const char *ours, const char *theirs,
			const char *who)
{
	if ((ours == NULL) == (theirs == NULL) && (!ours || strcmp(ours, theirs) == 0))
		return;
	fail_msg("%s\n  is \"%s\" here, but \"%s\" %s", fragment->text, ours ? ours : "(error)",
		 theirs ? theirs : "(error)", who);
}

/* --- the corpus --- */

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

/* --- at random --- */

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
		cmocka_unit_test(test_stored_values),
		cmocka_unit_test(test_postfix_gives_these_values),
		cmocka_unit_test(test_postfix_agrees_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
