/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command table, and what command lines it makes of argv: each command's usage errors, options,
 * help.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "command_line.h"
#include "commands.h"

/* The functions of the table: nothing here runs them. */
#define STUB(name)                                                                       \
	enum cli_status command_##name(struct cli *cli, const struct command_line *line) \
	{                                                                                \
		(void)cli;                                                               \
		(void)line;                                                              \
		return CLI_FAILED;                                                       \
	}
STUB(status)
STUB(top)
STUB(show)
STUB(exception_list)
STUB(exception_add)
STUB(exception_delete)
STUB(block_list)
STUB(block_add)
STUB(block_delete)
STUB(events)
STUB(advise)
STUB(reload)
STUB(restart)
STUB(config)
STUB(check)
STUB(detach)
STUB(completion)
STUB(version)
STUB(show_help)

#define ARGUMENTS_MAX 16

/* Parses a command line that is written with blanks between its words. The words are copied into
 * storage. */
static int parse(const char *text, char storage[static 256], struct command_line *line,
		 char **reterr_message)
{
	char *argv[ARGUMENTS_MAX + 1] = { "synanvil" };
	int argc = 1;
	char *rest = NULL;

	assert_true(strlen(text) < 256);
	strcpy(storage, text);
	for (char *word = strtok_r(storage, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_true(argc < ARGUMENTS_MAX);
		argv[argc++] = word;
	}
	return command_line_parse(line, argc, argv, reterr_message);
}

static void expect_error(const char *text, const char *want)
{
	struct command_line line;
	char storage[256];
	_cleanup_free_ char *message = NULL;

	if (parse(text, storage, &line, &message) != -EINVAL)
		fail_msg("accepted: %s", text);
	command_line_done(&line);
	if (strcmp(message, want) != 0)
		fail_msg("%s: got `%s`, want `%s`", text, message, want);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{ "", "no command given; `synanvil help` lists them" },
		{ "--json", "no command given; `synanvil help` lists them" },
		{ "stats", "unknown command stats; `synanvil help` lists them" },
		{ "block", "block needs one of: list, add, delete" },
		{ "exception", "exception needs one of: list, add, delete" },
		{ "block remove",
		  "unknown command block remove; block takes one of: list, add, delete" },
		{ "show", "show: ADDRESS is missing; usage: synanvil show ADDRESS" },
		{ "show a b", "show: unexpected b; usage: synanvil show ADDRESS" },
		{ "block add",
		  "block add: CIDR... is missing; usage: synanvil block add CIDR... [--for TIME]" },
		{ "block delete x --for 1h",
		  "block delete: does not take --for; usage: synanvil block delete CIDR..." },
		{ "events a b", "events: unexpected b; usage: synanvil events [ADDRESS] [--since "
				"TIME] [--follow]" },
		{ "status --nope", "unknown option --nope; `synanvil help` lists them" },
		{ "status -x", "unknown option -x; `synanvil help` lists them" },
		{ "--jsonx status", "unknown option --jsonx; `synanvil help` lists them" },
		{ "--json=1 status", "option --json takes no value" },
		{ "top -n", "option -n needs a value: -n N" },
		{ "status -s", "option -s needs a value: -s SOCKET" },
		{ "status --socket", "option --socket needs a value: --socket SOCKET" },
		{ "-- --json", "unknown command --json; `synanvil help` lists them" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_error(rows[i].text, rows[i].want);
}

/* Fills text with the words of command and count arguments. */
static void compose(const struct command *command, size_t count, const char *end,
		    char text[static 256])
{
	int length = snprintf(text, 256, "%s %s", command->words[0],
			      command->words[1] ? command->words[1] : "");

	for (size_t i = 0; i < count; i++)
		length += snprintf(text + length, 256 - (size_t)length, " argument");
	(void)snprintf(text + length, 256 - (size_t)length, " %s", end);
}

static void expect_usage(const struct command *command, const char *text)
{
	struct command_line line;
	char storage[256];
	_cleanup_free_ char *message = NULL;
	_cleanup_free_ char *usage = command_usage(command);

	if (parse(text, storage, &line, &message) != -EINVAL)
		fail_msg("accepted: %s", text);
	command_line_done(&line);
	assert_non_null(strstr(message, "; usage: "));
	assert_string_equal(strstr(message, "; usage: ") + strlen("; usage: "), usage);
}

/* Every row: too few and too many arguments, and each option that is not its own, end in that row's
 * usage. */
static void test_table(void **state)
{
	(void)state;
	for (const struct command *row = command_table(); row->words[0]; row++) {
		char text[256];
		char storage[256];
		struct command_line line;
		_cleanup_free_ char *message = NULL;

		assert_non_null(row->run);
		assert_true(strlen(row->help) > 10);
		compose(row, row->arguments_min, "", text);
		assert_int_equal(parse(text, storage, &line, &message), 0);
		assert_ptr_equal(line.command, row);
		assert_int_equal(line.argument_count, row->arguments_min);
		command_line_done(&line);
		if (row->arguments_min) {
			compose(row, row->arguments_min - 1, "", text);
			expect_usage(row, text);
		}
		if (row->arguments_max < 10) {
			compose(row, row->arguments_max + 1, "", text);
			expect_usage(row, text);
		}
		for (unsigned i = 0; i < CLI_OPTIONS; i++) {
			char option[64];

			if ((row->options | OPTIONS_GLOBAL) & OPTION_BIT(i))
				continue;
			(void)snprintf(option, sizeof(option), "%s %s", option_table()[i].name,
				       option_table()[i].value ? "1" : "");
			compose(row, row->arguments_min, option, text);
			expect_usage(row, text);
		}
	}
}

static void test_options(void **state)
{
	static const char *const texts[] = {
		"-s /a --json top -n 5 --by dropped --once",
		"top -n5 --by=dropped --once --json -s/a",
		"top --once --socket=/a --json --by dropped -n 5",
		"--json --socket /a --once --by dropped -n 5 -- top",
		"-s /b -n 4 -s /a top -n 5 --once --by attempts --by dropped --json",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct command_line line;
		char storage[256];
		char *message = NULL;

		assert_int_equal(parse(texts[i], storage, &line, &message), 0);
		assert_string_equal(line.command->words[0], "top");
		assert_string_equal(line.options[OPTION_SOCKET], "/a");
		assert_string_equal(line.options[OPTION_COUNT], "5");
		assert_string_equal(line.options[OPTION_BY], "dropped");
		assert_string_equal(line.options[OPTION_ONCE], "");
		assert_non_null(line.options[OPTION_JSON]);
		assert_null(line.options[OPTION_FOR]);
		command_line_done(&line);
	}
}

static void test_arguments(void **state)
{
	struct command_line line;
	char storage[256];
	char *message = NULL;

	(void)state;
	assert_int_equal(parse("block --for 1h add 10.0.0.0/8 [2001:db8::]/84 -- -x -", storage,
			       &line, &message),
			 0);
	assert_string_equal(line.command->words[1], "add");
	assert_int_equal(line.argument_count, 4);
	assert_string_equal(line.arguments[0], "10.0.0.0/8");
	assert_string_equal(line.arguments[2], "-x");
	assert_string_equal(line.arguments[3], "-");
	assert_string_equal(line.options[OPTION_FOR], "1h");
	command_line_done(&line);
}

static char *help(const char *first, const char *second)
{
	const char *words[] = { first, second };
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	(void)command_help(stream, words, (first ? 1U : 0U) + (second ? 1U : 0U));
	assert_int_equal(fclose(stream), 0);
	return text;
}

/* Whatever is in the table is in the help, and no line of it is wider than a terminal. */
static void test_help(void **state)
{
	_cleanup_free_ char *overview = help(NULL, NULL);
	_cleanup_free_ char *nothing = help("nope", NULL);
	_cleanup_free_ char *blocks = help("block", NULL);
	_cleanup_free_ char *add = help("block", "add");
	char *rest = NULL;

	(void)state;
	for (const struct command *row = command_table(); row->words[0]; row++)
		assert_non_null(strstr(overview, row->help));
	assert_string_equal(nothing, "");
	assert_non_null(strstr(blocks, "usage: synanvil block list\n"));
	assert_non_null(strstr(blocks, "usage: synanvil block delete CIDR...\n"));
	assert_string_equal(
		add, "usage: synanvil block add CIDR... [--for TIME]\n"
		     "Drops all that clients attempt, at once.\n"
		     "  --for TIME                how long: 90s, 10m, 2h, 1d, 1w; until deleted if "
		     "not given\n");
	for (char *line = strtok_r(overview, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strlen(line) > 80)
			fail_msg("%zu characters: %s", strlen(line), line);
}

static void test_help_asked(void **state)
{
	static const char *const texts[] = { "--help", "block --help", "-h", "show --help",
					     "nope -h" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct command_line line;
		char storage[256];
		char *message = NULL;

		assert_int_equal(parse(texts[i], storage, &line, &message), 0);
		assert_non_null(line.options[OPTION_HELP]);
		command_line_done(&line);
	}
}

/* The manual page has an entry for every command, with its options. */
static void test_manual(void **state)
{
	_cleanup_fclose_ FILE *file = fopen("docs/synanvil.1", "re");
	_cleanup_free_ char *page = calloc(1, 65536);

	(void)state;
	assert_non_null(file);
	assert_non_null(page);
	assert_true(fread(page, 1, 65535, file) < 65535);
	for (const struct command *row = command_table(); row->words[0]; row++) {
		_cleanup_free_ char *entry = NULL;
		const char *found;
		const char *end;

		assert_true(asprintf(&entry, "\n.It Cm %s%s%s", row->words[0],
				     row->words[1] ? " " : "",
				     row->words[1] ? row->words[1] : "") > 0);
		found = strstr(page, entry);
		if (!found)
			fail_msg("not in the manual page: %s", entry + 1);
		end = strchr(found + 1, '\n');
		for (unsigned i = 0; i < CLI_OPTIONS; i++) {
			char option[64];
			const char *place;

			if (!(row->options & OPTION_BIT(i)))
				continue;
			(void)snprintf(option, sizeof(option), "Fl %s", option_table()[i].name + 1);
			place = strstr(found, option);
			if (!place || place > end)
				fail_msg("no %s at %s", option, entry + 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes), cmocka_unit_test(test_table),
		cmocka_unit_test(test_options),  cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_help),     cmocka_unit_test(test_help_asked),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
