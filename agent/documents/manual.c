/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameters as mdoc(7): a list for each section, a sentence a line.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "documents.h"

#define LINE_MAX_SIZE 80

void document_range(const struct config_parameter *parameter, char *buffer, size_t size)
{
	const bool seconds = parameter->kind == CONFIG_TIME;
	const char *unit = seconds ? "seconds" : parameter->unit;
	size_t used = 0;

	*buffer = '\0';
	if (parameter->kind != CONFIG_NUMBER && !seconds)
		return;
	if (parameter->min < 0)
		(void)snprintf(buffer, size, "0 or less is no limit.");
	else if (parameter->max < INT_MAX)
		(void)snprintf(buffer, size, "%ld to %ld %s.", parameter->min, parameter->max,
			       unit);
	else if (parameter->min > 0)
		(void)snprintf(buffer, size, "At least %ld.", parameter->min);
	else
		(void)snprintf(buffer, size, "0 is no limit.");
	used = strlen(buffer);
	if (parameter->no_limit_above > 0)
		(void)snprintf(buffer + used, size - used,
			       " More than %ld is no limit either, with a warning.",
			       parameter->no_limit_above);
}

/* A literal from behind its first quote on; returns what follows it. Punctuation behind it is an
 * argument of its own. */
static const char *write_literal(FILE *stream, const char *text)
{
	const size_t size = strcspn(text, "`");
	const char *after = text + size + (text[size] == '`');
	const size_t tail = strspn(after, ".,;:");

	(void)fputs(".Ql ", stream);
	/* What looks like punctuation to a macro is none here. */
	if (strchr("!.,:;", text[0]))
		(void)fputs("\\&", stream);
	(void)fprintf(stream, "%.*s", (int)size, text);
	if (size && strchr(".,:;", text[size - 1]))
		(void)fputs("\\&", stream);
	for (size_t i = 0; i < tail; i++)
		(void)fprintf(stream, " %c", after[i]);
	(void)fputc('\n', stream);
	return after + tail;
}

static void line_end(FILE *stream, size_t *line)
{
	if (*line)
		(void)fputc('\n', stream);
	*line = 0;
}

/* Each sentence on lines of its own, which are not longer than mandoc likes them. */
static void write_text(FILE *stream, const char *text)
{
	size_t line = 0; /* characters of the one that is open */

	while (*text != '\0') {
		const size_t size = strcspn(text, " ");

		if (*text == '`') {
			line_end(stream, &line);
			text = write_literal(stream, text + 1);
		} else {
			if (line + 1 + size > LINE_MAX_SIZE && !strchr(".'", *text))
				line_end(stream, &line);
			(void)fprintf(stream, "%s%.*s", line ? " " : "", (int)size, text);
			line += size + (line > 0);
			if (text[size - 1] == '.')
				line_end(stream, &line);
			text += size;
		}
		text += strspn(text, " ");
	}
	line_end(stream, &line);
}

static void write_difference(FILE *stream, const struct config_parameter *parameter,
			     const struct document *document)
{
	if (!parameter->in_postfix)
		return;
	(void)fputs(".br\n", stream);
	if (document->postfix) {
		(void)fputs("Difference from Postfix:\n", stream);
		write_text(stream, document->postfix);
	} else {
		(void)fputs("The same as in Postfix.\n", stream);
	}
}

static void write_parameter(FILE *stream, const struct config_parameter *parameter,
			    const struct document *document)
{
	const bool required = parameter->kind == CONFIG_INTERFACES;
	const char *preset = *parameter->preset == '\0' ? "empty" : parameter->preset;
	char range[200];

	(void)fprintf(stream, ".It Sy %s%s%s Pq %s%s\n", parameter->name,
		      parameter->per_service ? " *" : "", parameter->at_start ? " +" : "",
		      required ? "" : "default: ", required ? "required" : preset);
	write_text(stream, document->text);
	document_range(parameter, range, sizeof(range));
	write_text(stream, range);
	write_difference(stream, parameter, document);
}

int document_manual(FILE *stream)
{
	for (size_t i = 0; i < document_count; i++) {
		if (documents[i].section)
			(void)fprintf(stream, "%s.Ss %s\n.Bl -tag -width Ds\n",
				      i > 0 ? ".El\n" : "", documents[i].section);
		write_parameter(stream, &config_parameters[i], &documents[i]);
	}
	(void)fputs(".El\n", stream);
	return ferror(stream) ? -EIO : 0;
}
