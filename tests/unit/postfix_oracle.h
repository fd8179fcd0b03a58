/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments of main.cf, and what they are worth: here, and to the postconf that is installed.
 */
#ifndef TESTS_UNIT_POSTFIX_ORACLE_H
#define TESTS_UNIT_POSTFIX_ORACLE_H

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

#define FRAGMENTS_MAX 500

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

static inline void add_text(struct config_text *text, const char *more)
{
	assert_int_equal(config_text_append(text, more, strlen(more)), 0);
}

/* The fragment with a name in place of each marker. The caller frees. */
static inline char *with_names(const char *fragment, const char *plain, const char *a,
			       const char *b)
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
static inline char *shown(const char *text)
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
static inline char *our_value(const char *fragment)
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

static inline void corpus_free(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++) {
		free(corpus->items[i].text);
		free(corpus->items[i].value);
	}
	free(corpus);
}

/* --- postconf --- */

static inline FILE *create(const char *directory, size_t number, const char *name)
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

static inline void write_fragment(FILE *file, const struct fragment *fragment, size_t number)
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
static inline FILE *start_postconf(const char *directory, size_t number,
				   const struct corpus *corpus, const bool *wanted)
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
static inline bool finish_postconf(FILE *output, struct corpus *answers)
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

static inline bool have_postfix(void)
{
	return system("command -v postconf >/dev/null 2>&1") == 0;
}

/* Each wanted fragment by a postconf of its own. */
static inline void ask_each(const char *directory, struct corpus *answers, const bool *wanted)
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
static inline void ask_postfix(struct corpus *answers, const bool *right, size_t wrong_max)
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

static inline void assert_same(const struct fragment *fragment, const char *ours,
			       const char *theirs, const char *who)
{
	if ((ours == NULL) == (theirs == NULL) && (!ours || strcmp(ours, theirs) == 0))
		return;
	fail_msg("%s\n  is \"%s\" here, but \"%s\" %s", fragment->text, ours ? ours : "(error)",
		 theirs ? theirs : "(error)", who);
}

#endif
