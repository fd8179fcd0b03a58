/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deploy/synanvil.cf: what this version uses, each parameter with its comment above it.
 */
#include <errno.h>
#include <string.h>

#include "documents.h"

#define WIDTH 110

static const char head[] =
	"# synanvil.cf: the limiter's configuration, in the syntax of Postfix' main.cf. See "
	"synanvil.cf(5).\n"
	"#\n"
	"# \"synanvil check\" validates this file and says what is probably not meant; \"synanvil "
	"reload\" puts it in force.\n"
	"# Lines that begin with blanks continue the one before. What is commented out shows the "
	"default.\n";

struct comment {
	FILE *stream;
	size_t column;
};

/* Up to a blank that is not between quotes. */
static size_t word_size(const char *text)
{
	bool quoted = false;
	size_t size = 0;

	for (; text[size] != '\0' && (quoted || text[size] != ' '); size++)
		quoted ^= text[size] == '`';
	return size;
}

/* Words, as a comment of lines that are not too long. */
static void comment_words(struct comment *comment, const char *text)
{
	while (*text != '\0') {
		const size_t size = word_size(text);

		if (comment->column > 0 && comment->column + 1 + size > WIDTH) {
			(void)fputc('\n', comment->stream);
			comment->column = 0;
		}
		if (comment->column == 0)
			(void)fputc('#', comment->stream);
		comment->column += 1 + size;
		(void)fputc(' ', comment->stream);
		for (size_t i = 0; i < size; i++)
			(void)fputc(text[i] == '`' ? '"' : text[i], comment->stream);
		text += size + strspn(text + size, " ");
	}
}

static void write_parameter(FILE *stream, const struct config_parameter *parameter,
			    const struct document *document)
{
	struct comment comment = { .stream = stream };
	char range[200];

	(void)fputc('\n', stream);
	comment_words(&comment, document->text);
	document_range(parameter, range, sizeof(range));
	comment_words(&comment, range);
	if (parameter->at_start)
		comment_words(&comment, "Takes effect at the next start.");
	if (document->advice) {
		(void)fputc('\n', stream);
		comment.column = 0;
		comment_words(&comment, document->advice);
	}
	if (document->sample)
		(void)fprintf(stream, "\n%s = %s\n", parameter->name, document->sample);
	else
		(void)fprintf(stream, "\n#%s =%s%s\n", parameter->name,
			      *parameter->preset == '\0' ? "" : " ", parameter->preset);
}

int document_sample(FILE *stream)
{
	(void)fputs(head, stream);
	for (size_t i = 0; i < document_count; i++)
		write_parameter(stream, &config_parameters[i], &documents[i]);
	return ferror(stream) ? -EIO : 0;
}
