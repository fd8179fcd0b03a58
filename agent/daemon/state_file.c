/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and writing the file of run-time rules:
 *
 *   synanvil run-time rules 1
 *   exception 10.0.0.0/8
 *   block 192.0.2.0/24 until 1763796000123 runtime
 *   block 2001:db8::/32 until deleted policy
 *   end 3 0123456789abcdef
 *
 * The sum is over all bytes before the last line. Times are milliseconds since 1970.
 */
#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"

#define HEADER     "synanvil run-time rules 1"
#define WORDS_MAX  6
#define LINE_WIDTH 160

struct word {
	const char *text;
	size_t size;
};

/* What grows while a file is read. */
struct reader {
	struct block_rule *exceptions, *blocks;
	size_t exception_count, block_count;
	size_t exception_size, block_size;
	struct state_damage *damage;
};

void state_rules_done(struct state_rules *rules)
{
	rule_set_done(&rules->exceptions);
	rule_set_done(&rules->blocks);
}

/* FNV-1a: tells a torn or altered file, not a forged one. */
static uint64_t checksum(const char *text, size_t size)
{
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ (uint8_t)text[i]) * 0x100000001b3ULL;
	return sum;
}

static bool word_is(const struct word *word, const char *text)
{
	return word->size == strlen(text) && memcmp(word->text, text, word->size) == 0;
}

/* Words between single blanks; WORDS_MAX if there are as many or more. */
static size_t words_split(const char *line, size_t size, struct word words[static WORDS_MAX])
{
	const char *end = line + size;
	size_t count = 0;

	while (count < WORDS_MAX) {
		const char *blank = memchr(line, ' ', (size_t)(end - line));
		const char *stop = blank ? blank : end;

		words[count++] = (struct word){ line, (size_t)(stop - line) };
		if (!blank)
			break;
		line = blank + 1;
	}
	return count;
}

/* Decimal digits of a value below INT64_MAX. */
static bool number_read(const struct word *word, int64_t *ret_value)
{
	int64_t value = 0;

	if (!word->size || word->size > 18)
		return false;
	for (size_t i = 0; i < word->size; i++) {
		if (word->text[i] < '0' || word->text[i] > '9')
			return false;
		value = value * 10 + (word->text[i] - '0');
	}
	*ret_value = value;
	return true;
}

static bool prefix_read(const struct word *word, struct prefix *ret_prefix)
{
	return prefix_parse(word->text, word->size, PREFIX_ANY, ret_prefix) == PREFIX_OK;
}

static bool exception_read(const struct word *words, size_t count, struct block_rule *ret_rule)
{
	*ret_rule = (struct block_rule){ .ends_ms = INT64_MAX };
	return count == 2 && word_is(&words[0], "exception") &&
	       prefix_read(&words[1], &ret_rule->prefix);
}

static bool block_read(const struct word *words, size_t count, struct block_rule *ret_rule)
{
	*ret_rule = (struct block_rule){ .ends_ms = INT64_MAX };
	if (count != 5 || !word_is(&words[0], "block") || !word_is(&words[2], "until"))
		return false;
	if (!word_is(&words[3], "deleted") && !number_read(&words[3], &ret_rule->ends_ms))
		return false;
	ret_rule->by_policy = word_is(&words[4], "policy");
	return (ret_rule->by_policy || word_is(&words[4], "runtime")) &&
	       prefix_read(&words[1], &ret_rule->prefix);
}

static int append(struct block_rule **items, size_t *count, size_t *size,
		  const struct block_rule *rule)
{
	if (*count == *size) {
		const size_t larger = *size ? *size * 2 : 64;
		struct block_rule *moved = reallocarray(*items, larger, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		*items = moved;
		*size = larger;
	}
	(*items)[(*count)++] = *rule;
	return 0;
}

static void damage_note(struct state_damage *damage, unsigned line, const char *reason)
{
	if (damage->reason)
		return;
	damage->line = line;
	damage->reason = reason;
}

static int rule_line(struct reader *reader, const char *text, size_t size, unsigned line)
{
	struct word words[WORDS_MAX];
	const size_t count = words_split(text, size, words);
	struct block_rule rule;

	if (exception_read(words, count, &rule))
		return append(&reader->exceptions, &reader->exception_count,
			      &reader->exception_size, &rule);
	if (block_read(words, count, &rule))
		return append(&reader->blocks, &reader->block_count, &reader->block_size, &rule);
	damage_note(reader->damage, line, "not a rule");
	reader->damage->bad_lines++;
	return 0;
}

/* Whether text is the trailer that belongs to the first `before` bytes of the file and so many
 * rules. */
static bool trailer_matches(const char *text, size_t size, const char *file, size_t before,
			    size_t rules)
{
	char wanted[LINE_WIDTH];
	const int length = snprintf(wanted, sizeof(wanted), "end %zu %016" PRIx64, rules,
				    checksum(file, before));

	return size == (size_t)length && memcmp(text, wanted, size) == 0;
}

/* All lines in turn. Sets damage for whatever is not as state_file_format writes it. */
static int lines_read(struct reader *reader, const char *text, size_t size)
{
	bool ended = false;
	size_t at = 0;

	for (unsigned line = 1; at < size; line++) {
		const char *start = text + at;
		const char *newline = memchr(start, '\n', size - at);
		const size_t length = newline ? (size_t)(newline - start) : size - at;
		int error = 0;

		if (!newline || ended) {
			/* A line cut short may read as another rule: 192.0.2.1 for 192.0.2.10. */
			damage_note(reader->damage, line,
				    ended ? "text behind the end" : "cut short");
			reader->damage->bad_lines++;
		} else if (line == 1) {
			if (length != strlen(HEADER) || memcmp(start, HEADER, length) != 0)
				damage_note(reader->damage, line, "no header");
		} else if (length >= 4 && memcmp(start, "end ", 4) == 0) {
			ended = true;
			if (!trailer_matches(start, length, text, at,
					     reader->exception_count + reader->block_count))
				damage_note(reader->damage, 0, "the checksum is wrong");
		} else {
			error = rule_line(reader, start, length, line);
		}
		if (error)
			return error;
		at += length + 1;
	}
	if (!ended)
		damage_note(reader->damage, 0, "the end is missing");
	return 0;
}

int state_file_parse(const char *text, size_t size, struct state_rules *ret_rules,
		     struct state_damage *ret_damage)
{
	struct state_rules rules = { 0 };
	const struct rule_set none = { 0 };
	struct state_damage damage = { 0 };
	struct reader reader = { .damage = &damage };
	int error = lines_read(&reader, text, size);

	if (!error)
		error = rule_set_add(&none, reader.exceptions, reader.exception_count,
				     &rules.exceptions);
	if (!error)
		error = rule_set_add(&none, reader.blocks, reader.block_count, &rules.blocks);
	free(reader.exceptions);
	free(reader.blocks);
	if (error) {
		state_rules_done(&rules);
		return error;
	}
	*ret_rules = rules;
	*ret_damage = damage;
	return 0;
}

static void block_write(FILE *file, const struct block_rule *rule)
{
	const char *origin = rule->by_policy ? "policy" : "runtime";
	char prefix[PREFIX_TEXT_SIZE];

	prefix_format(&rule->prefix, prefix);
	if (rule->ends_ms == INT64_MAX)
		(void)fprintf(file, "block %s until deleted %s\n", prefix, origin);
	else
		(void)fprintf(file, "block %s until %" PRId64 " %s\n", prefix, rule->ends_ms,
			      origin);
}

int state_file_format(const struct state_rules *rules, char **ret_text, size_t *ret_size)
{
	const size_t count = rules->exceptions.count + rules->blocks.count;
	char *text = NULL, prefix[PREFIX_TEXT_SIZE];
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	int failed;

	if (!file)
		return -ENOMEM;
	(void)fprintf(file, "%s\n", HEADER);
	for (size_t i = 0; i < rules->exceptions.count; i++) {
		prefix_format(&rules->exceptions.items[i].prefix, prefix);
		(void)fprintf(file, "exception %s\n", prefix);
	}
	for (size_t i = 0; i < rules->blocks.count; i++)
		block_write(file, &rules->blocks.items[i]);
	/* Makes text and size valid for what was written so far. */
	failed = fflush(file);
	if (!failed)
		(void)fprintf(file, "end %zu %016" PRIx64 "\n", count, checksum(text, size));
	failed |= ferror(file);
	failed |= fclose(file);
	if (failed) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	*ret_size = size;
	return 0;
}
