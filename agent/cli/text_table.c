/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Collects cells, then prints them in columns.
 */
#include "text_table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "text_form.h"

/* Blanks between two columns. */
#define GAP 2

void text_table_init(struct text_table *table, const struct text_column *columns)
{
	*table = (struct text_table){ .columns = columns };
	while (table->column_count < TEXT_TABLE_COLUMNS_MAX && columns[table->column_count].title)
		table->column_count++;
}

void text_table_done(struct text_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct text_table){ 0 };
}

void text_table_fit(struct text_table *table, size_t column, int width)
{
	table->fit_column = column;
	table->fit_width = width;
}

static int grow(struct text_table *table)
{
	size_t wanted = table->allocated ? 2 * table->allocated : 64;
	char **cells;

	if (table->count < table->allocated)
		return 0;
	cells = reallocarray(table->cells, wanted, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	table->allocated = wanted;
	return 0;
}

void text_table_add(struct text_table *table, const char *format, ...)
{
	_cleanup_free_ char *raw = NULL;
	char *cell = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&raw, format, arguments);
	va_end(arguments);
	if (length < 0)
		raw = NULL;
	else
		cell = text_escape(raw);
	if (!cell || grow(table)) {
		free(cell);
		table->failed = true;
		return;
	}
	table->cells[table->count++] = cell;
}

static void measure(const struct text_table *table, int widths[static TEXT_TABLE_COLUMNS_MAX])
{
	for (size_t i = 0; i < table->column_count; i++)
		widths[i] = (int)strlen(table->columns[i].title);
	for (size_t i = 0; i < table->count; i++) {
		int length = (int)strlen(table->cells[i]);
		int *width = &widths[i % table->column_count];

		if (length > *width)
			*width = length;
	}
}

/* Takes from the column that gives way what the row is too long by; its title stays readable. */
static void fit(const struct text_table *table, int widths[static TEXT_TABLE_COLUMNS_MAX])
{
	int least = (int)strlen(table->columns[table->fit_column].title);
	int total = GAP * ((int)table->column_count - 1);
	int *width = &widths[table->fit_column];

	for (size_t i = 0; i < table->column_count; i++)
		total += widths[i];
	if (table->fit_width <= 0 || total <= table->fit_width)
		return;
	*width -= total - table->fit_width;
	if (*width < least)
		*width = least;
}

/*
 * Blanks are printed only once something follows them: no line ends in any. *pending is how many
 * are due.
 */
static void print_cell(FILE *stream, bool number, int width, const char *text, int *pending)
{
	int length = (int)strlen(text);
	int padding = length < width ? width - length : 0;

	if (length == 0) {
		*pending += width + GAP;
		return;
	}
	(void)fprintf(stream, "%*s", *pending + (number ? padding : 0), "");
	if (length > width) /* the end of a service tells more than its beginning */
		(void)fprintf(stream, "~%s", text + length - width + 1);
	else
		(void)fputs(text, stream);
	*pending = GAP + (number ? 0 : padding);
}

int text_table_print(const struct text_table *table, FILE *stream, int indent)
{
	int widths[TEXT_TABLE_COLUMNS_MAX];
	int pending = indent;

	if (!table->column_count)
		return -EINVAL;
	if (table->failed)
		return -ENOMEM;
	measure(table, widths);
	fit(table, widths);
	for (size_t i = 0; i < table->column_count; i++)
		print_cell(stream, table->columns[i].number, widths[i], table->columns[i].title,
			   &pending);
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->column_count;

		if (column == 0) {
			(void)fputc('\n', stream);
			pending = indent;
		}
		print_cell(stream, table->columns[column].number, widths[column], table->cells[i],
			   &pending);
	}
	(void)fputc('\n', stream);
	return ferror(stream) ? -EIO : 0;
}
