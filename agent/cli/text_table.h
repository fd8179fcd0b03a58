/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table for a terminal: columns as wide as their widest cell, numbers to the right, every cell
 * escaped. A failed allocation is remembered and reported once, by text_table_print.
 */
#ifndef CLI_TEXT_TABLE_H
#define CLI_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TEXT_TABLE_COLUMNS_MAX 8

struct text_column {
	const char *title; /* NULL ends the columns */
	bool number;       /* to the right */
};

struct text_table {
	const struct text_column *columns; /* borrowed */
	size_t column_count;
	char **cells; /* row by row */
	size_t count;
	size_t allocated;
	size_t fit_column;
	int fit_width; /* 0: as wide as it gets */
	bool failed;
};

void text_table_init(struct text_table *table, const struct text_column *columns);
void text_table_done(struct text_table *table);

/* Lets column give way, its beginning first, where a row would be longer than width. */
void text_table_fit(struct text_table *table, size_t column, int width);

/* Adds the next cell. */
void text_table_add(struct text_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints title and rows, each line after indent blanks. 0; -EINVAL without columns; -ENOMEM; -EIO.
 */
int text_table_print(const struct text_table *table, FILE *stream, int indent);

#endif
