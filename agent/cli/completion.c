/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both scripts first find out which command the line has so far, passing over options and their
 * values; then offer what the table says may follow. The rest is one case for each command.
 */
#include "completion.h"

#include <string.h>

#include "command_line.h"

struct shell {
	const char *name;
	void (*print)(FILE *stream);
};

/* What stands for a value or an argument: a path, or one of several words, or something else. */
static bool is_path(const char *value)
{
	return strcmp(value, "FILE") == 0 || strcmp(value, "SOCKET") == 0;
}

static bool is_choice(const char *value)
{
	return strchr(value, '|') != NULL;
}

static void print_choice(FILE *stream, const char *value)
{
	for (; *value; value++)
		(void)fputc(*value == '|' ? ' ' : *value, stream);
}

/* The names of an option, with a separator between and behind. */
static void print_names(FILE *stream, const struct option_spec *option, const char *separator)
{
	(void)fprintf(stream, "%s%s", option->name, separator);
	if (option->alias)
		(void)fprintf(stream, "%s%s", option->alias, separator);
}

/* Patterns of a case: all options that want, or do not want, a value of the kind. */
static void print_patterns(FILE *stream, bool (*wanted)(const struct option_spec *option))
{
	const struct option_spec *options = option_table();
	bool first = true;

	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		if (!wanted(&options[i]))
			continue;
		(void)fprintf(stream, "%s%s", first ? "" : " | ", options[i].name);
		if (options[i].alias)
			(void)fprintf(stream, " | %s", options[i].alias);
		first = false;
	}
}

static bool takes_value(const struct option_spec *option)
{
	return option->value != NULL;
}

static bool takes_path(const struct option_spec *option)
{
	return option->value && is_path(option->value);
}

static bool takes_other(const struct option_spec *option)
{
	return option->value && !is_path(option->value) && !is_choice(option->value);
}

static bool first_of_two(const struct command *command)
{
	return command->words[1] &&
	       (command == command_table() || strcmp(command[-1].words[0], command->words[0]) != 0);
}

/* Patterns of a case: what has a second word. */
static void print_firsts(FILE *stream)
{
	for (const struct command *command = command_table(); command->words[0]; command++)
		if (first_of_two(command))
			(void)fprintf(stream, " | %s", command->words[0]);
}

/* The first words, each once; or the second words behind a first one. */
static void each_word(const char *first, FILE *stream,
		      void (*print)(FILE *stream, const char *word, const struct command *command))
{
	const struct command *before = NULL;

	for (const struct command *command = command_table(); command->words[0]; command++) {
		if (first && command->words[1] && strcmp(command->words[0], first) == 0)
			print(stream, command->words[1], command);
		if (!first && (!before || strcmp(before->words[0], command->words[0]) != 0))
			print(stream, command->words[0], command);
		before = command;
	}
}

/* --- bash --- */

static void bash_word(FILE *stream, const char *word, const struct command *command)
{
	(void)command;
	(void)fprintf(stream, "%s ", word);
}

static void bash_case(FILE *stream, const struct command *command)
{
	const struct option_spec *options = option_table();

	if (first_of_two(command)) {
		(void)fprintf(stream, "\t'%s ') offer='", command->words[0]);
		each_word(command->words[0], stream, bash_word);
		(void)fputs("' ;;\n", stream);
	}
	(void)fprintf(stream, "\t'%s %s') offer='", command->words[0],
		      command->words[1] ? command->words[1] : "");
	if (is_choice(command->arguments))
		print_choice(stream, command->arguments);
	if (strstr(command->arguments, "COMMAND"))
		each_word(NULL, stream, bash_word);
	(void)fputs(is_choice(command->arguments) ? " ' options='" : "' options='", stream);
	for (unsigned i = 0; i < CLI_OPTIONS; i++)
		if (command->options & OPTION_BIT(i))
			print_names(stream, &options[i], " ");
	(void)fputs("' ;;\n", stream);
}

static void bash_value_cases(FILE *stream)
{
	const struct option_spec *options = option_table();

	(void)fputs("\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n\t", stream);
	print_patterns(stream, takes_path);
	(void)fputs(")\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
		    "\t\tcompopt -o filenames 2>/dev/null\n\t\treturn\n\t\t;;\n",
		    stream);
	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		if (!options[i].value || !is_choice(options[i].value))
			continue;
		(void)fprintf(stream, "\t%s)\n\t\tmapfile -t COMPREPLY < <(compgen -W '",
			      options[i].name);
		print_choice(stream, options[i].value);
		(void)fputs("' -- \"$current\")\n\t\treturn\n\t\t;;\n", stream);
	}
	(void)fputc('\t', stream);
	print_patterns(stream, takes_other);
	(void)fputs(") return ;;\n\tesac\n", stream);
}

static void print_bash(FILE *stream)
{
	const struct option_spec *options = option_table();

	(void)fputs("# bash completion for synanvil; synanvil completion bash prints it.\n\n"
		    "_synanvil()\n{\n"
		    "\tlocal current=${COMP_WORDS[COMP_CWORD]} offer='' options='' i\n"
		    "\tlocal -a words=()\n"
		    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		    "\t\tcase ${COMP_WORDS[i]} in\n\t\t",
		    stream);
	print_patterns(stream, takes_value);
	(void)fputs(") ((++i)) ;;\n\t\t-*) ;;\n\t\t*) words+=(\"${COMP_WORDS[i]}\") ;;\n"
		    "\t\tesac\n\tdone\n",
		    stream);
	bash_value_cases(stream);
	/* A command of one word keeps the blank, whatever its arguments are. */
	(void)fputs("\tcase ${words[0]-} in\n\t''", stream);
	print_firsts(stream);
	(void)fputs(") ;;\n"
		    "\t*) words=(\"${words[0]}\") ;;\n\tesac\n"
		    "\tcase \"${words[0]-} ${words[1]-}\" in\n\t' ') offer='",
		    stream);
	each_word(NULL, stream, bash_word);
	(void)fputs("' ;;\n", stream);
	for (const struct command *command = command_table(); command->words[0]; command++)
		bash_case(stream, command);
	(void)fputs("\tesac\n\tif [[ $current == -* ]]; then\n\t\toffer=\"$options", stream);
	for (unsigned i = 0; i < CLI_OPTIONS; i++)
		if (OPTIONS_GLOBAL & OPTION_BIT(i))
			print_names(stream, &options[i], " ");
	(void)fputs("\"\n\tfi\n\tmapfile -t COMPREPLY < <(compgen -W \"$offer\" -- \"$current\")\n"
		    "}\n\ncomplete -F _synanvil synanvil\n",
		    stream);
}

/* --- zsh --- */

/* Within single quotes, of an item of _describe. */
static void zsh_item(FILE *stream, const char *name, const char *help)
{
	(void)fprintf(stream, " '%s:", name);
	for (; *help; help++) {
		if (*help == '\'')
			(void)fputs("'\\''", stream);
		else if (*help == ':')
			(void)fputs("\\:", stream);
		else
			(void)fputc(*help, stream);
	}
	(void)fputc('\'', stream);
}

static void zsh_word(FILE *stream, const char *word, const struct command *command)
{
	/* The sentence of the first of several would mislead. */
	if (word == command->words[0] && command->words[1])
		(void)fprintf(stream, " '%s'", word);
	else
		zsh_item(stream, word, command->help);
}

static void zsh_options(FILE *stream, unsigned bits)
{
	const struct option_spec *options = option_table();

	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		if (!(bits & OPTION_BIT(i)))
			continue;
		zsh_item(stream, options[i].name, options[i].help);
		if (options[i].alias)
			zsh_item(stream, options[i].alias, options[i].help);
	}
}

static void zsh_case(FILE *stream, const struct command *command)
{
	if (first_of_two(command)) {
		(void)fprintf(stream, "\t'%s ') offer=(", command->words[0]);
		each_word(command->words[0], stream, zsh_word);
		(void)fputs(" ) ;;\n", stream);
	}
	(void)fprintf(stream, "\t'%s %s') offer=(", command->words[0],
		      command->words[1] ? command->words[1] : "");
	if (is_choice(command->arguments)) {
		(void)fputc(' ', stream);
		print_choice(stream, command->arguments);
	}
	if (strstr(command->arguments, "COMMAND"))
		each_word(NULL, stream, zsh_word);
	(void)fputs(" ) options=(", stream);
	zsh_options(stream, command->options);
	(void)fputs(" ) ;;\n", stream);
}

static void zsh_value_cases(FILE *stream)
{
	const struct option_spec *options = option_table();

	(void)fputs("\tcase ${words[CURRENT - 1]} in\n\t(", stream);
	print_patterns(stream, takes_path);
	(void)fputs(") _files; return ;;\n", stream);
	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		if (!options[i].value || !is_choice(options[i].value))
			continue;
		(void)fprintf(stream, "\t(%s) offer=(", options[i].name);
		print_choice(stream, options[i].value);
		(void)fputs("); _describe value offer; return ;;\n", stream);
	}
	(void)fputs("\t(", stream);
	print_patterns(stream, takes_other);
	(void)fputs(") return ;;\n\tesac\n", stream);
}

static void print_zsh(FILE *stream)
{
	(void)fputs("#compdef synanvil\n"
		    "# zsh completion for synanvil; synanvil completion zsh prints it.\n\n"
		    "_synanvil()\n{\n\tlocal -a given offer options\n\tlocal i\n"
		    "\tfor ((i = 2; i < CURRENT; i++)); do\n\t\tcase ${words[i]} in\n\t\t(",
		    stream);
	print_patterns(stream, takes_value);
	(void)fputs(") ((++i)) ;;\n\t\t(-*) ;;\n\t\t(*) given+=(\"${words[i]}\") ;;\n"
		    "\t\tesac\n\tdone\n",
		    stream);
	zsh_value_cases(stream);
	(void)fputs("\tcase ${given[1]-} in\n\t(''", stream);
	print_firsts(stream);
	(void)fputs(") ;;\n"
		    "\t(*) given=(\"${given[1]}\") ;;\n\tesac\n"
		    "\tcase \"${given[1]-} ${given[2]-}\" in\n\t' ') offer=(",
		    stream);
	each_word(NULL, stream, zsh_word);
	(void)fputs(" ) ;;\n", stream);
	for (const struct command *command = command_table(); command->words[0]; command++)
		zsh_case(stream, command);
	(void)fputs("\tesac\n\toptions+=(", stream);
	zsh_options(stream, OPTIONS_GLOBAL);
	(void)fputs(" )\n\tif [[ ${words[CURRENT]} == -* ]]; then\n"
		    "\t\t_describe -o option options\n"
		    "\telse\n\t\t_describe command offer\n\tfi\n}\n\n_synanvil \"$@\"\n",
		    stream);
}

bool completion_print(FILE *stream, const char *shell)
{
	static const struct shell shells[] = { { "bash", print_bash }, { "zsh", print_zsh } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(shells[i].name, shell) != 0)
			continue;
		shells[i].print(stream);
		return true;
	}
	return false;
}
