/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live screen of `top`, on ncurses. Asks once a second and whenever a key changes what is
 * wanted; while the agent does not answer, the last table stays and the head line says so.
 */
#include "top_live.h"

#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "cleanup.h"
#include "control_client.h"
#include "mono.h"
#include "output_text.h"
#include "text_value.h"

#define REFRESH_MS 1000

/* A key should not wait long for an agent that is gone. */
#define SCREEN_TIMEOUT_MS 2000

/* Lines that are not the table's rows: head, blank, titles, keys. */
#define FIXED_LINES 4

#define KEYS_LINE   "q quit   sort by: a attempts  d dropped  c connections"

static const char *const order_names[] = {
	[TOP_BY_ATTEMPTS] = "attempts",
	[TOP_BY_DROPPED] = "dropped",
	[TOP_BY_CONNECTIONS] = "connections",
};

struct top_screen {
	const struct cli *cli;
	struct top_question question;
	char *table; /* as it was last printed */
	char *head;
	enum client_result result; /* of the last question */
};

bool top_order_parse(const char *text, enum top_order *ret_order)
{
	for (unsigned i = 0; i < sizeof(order_names) / sizeof(order_names[0]); i++) {
		if (strcmp(text, order_names[i]) == 0) {
			*ret_order = (enum top_order)i;
			return true;
		}
	}
	return false;
}

const char *top_order_name(enum top_order order)
{
	return order_names[order];
}

json_t *top_arguments(const struct top_question *question)
{
	return json_pack("{s:i, s:s}", "count", question->count, "by",
			 top_order_name(question->order));
}

/* What the screen can show now. */
static struct top_question question_now(const struct top_screen *screen)
{
	struct top_question question = screen->question;
	int rows = LINES - FIXED_LINES;

	if (rows < 1)
		rows = 1;
	if (question.count == 0 || question.count > rows)
		question.count = rows;
	return question;
}

static void take_table(struct top_screen *screen, const json_t *result)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	char age[VALUE_TEXT_SIZE];
	int printed = stream ? text_sources(stream, result, COLS) : -ENOMEM;

	if (stream && fclose(stream) == 0 && !printed) {
		free(screen->table);
		screen->table = TAKE_PTR(text);
	}
	free(text);
	free(screen->head);
	if (asprintf(&screen->head, "synanvil: busiest sources by %s, %s",
		     top_order_name(screen->question.order),
		     value_age(result, "age_seconds", age)) < 0)
		screen->head = NULL;
}

static void ask(struct top_screen *screen)
{
	_cleanup_(client_done) struct client client = CLIENT_INIT(SCREEN_TIMEOUT_MS);
	struct top_question question = question_now(screen);
	json_t *arguments = top_arguments(&question);
	json_t *result = NULL;
	json_t *warnings = NULL;

	screen->result = client_call(&client, screen->cli->socket_path, "top", arguments, &result,
				     &warnings);
	json_decref(arguments);
	if (screen->result == CLIENT_OK) {
		take_table(screen, result);
		return;
	}
	free(screen->head);
	screen->head = TAKE_PTR(client.message);
}

/* One line of text at row, cut at the edge, the rest of the row in the same attribute. */
static void draw_line(int row, const char *text, size_t size, attr_t attribute)
{
	int width = COLS;

	(void)attrset(attribute);
	(void)mvhline(row, 0, ' ', width);
	(void)mvaddnstr(row, 0, text, size > (size_t)width ? width : (int)size);
	(void)attrset(A_NORMAL);
}

static void draw_table(const char *table)
{
	int row = 2;

	while (*table && row < LINES - 1) {
		size_t size = strcspn(table, "\n");

		draw_line(row, table, size, row == 2 ? A_BOLD : A_NORMAL);
		table += size + (table[size] ? 1 : 0);
		row++;
	}
}

static void draw(const struct top_screen *screen)
{
	const char *head = screen->head ? screen->head : "";

	(void)erase();
	draw_line(0, head, strlen(head), screen->result == CLIENT_OK ? A_BOLD : A_REVERSE);
	if (screen->table)
		draw_table(screen->table);
	if (LINES > FIXED_LINES)
		draw_line(LINES - 1, KEYS_LINE, strlen(KEYS_LINE), A_REVERSE);
	(void)refresh();
}

/* Waits for a key until the next refresh. false: the user leaves. */
static bool wait_for_key(struct top_screen *screen)
{
	uint64_t end = mono_now().ms + REFRESH_MS;

	for (;;) {
		uint64_t now = mono_now().ms;

		if (now >= end)
			return true;
		timeout((int)(end - now));
		switch (getch()) {
		case 'q':
		case 'Q':
			return false;
		case 'a':
			screen->question.order = TOP_BY_ATTEMPTS;
			return true;
		case 'd':
			screen->question.order = TOP_BY_DROPPED;
			return true;
		case 'c':
			screen->question.order = TOP_BY_CONNECTIONS;
			return true;
		case KEY_RESIZE:
		case '\f': /* control-L: whatever else has written here goes away */
			(void)clearok(stdscr, TRUE);
			return true;
		default:
			if (!isatty(STDIN_FILENO))
				return false;
			break;
		}
	}
}

bool top_live(const struct cli *cli, const struct top_question *question,
	      enum cli_status *ret_status)
{
	struct top_screen screen = { .cli = cli, .question = *question };
	SCREEN *terminal;
	bool answered;

	(void)setlocale(LC_CTYPE, "");
	terminal = newterm(NULL, cli->out, stdin);
	if (!terminal)
		return false;
	(void)cbreak();
	(void)noecho();
	(void)keypad(stdscr, TRUE);
	(void)curs_set(0);
	ask(&screen);
	answered = screen.result == CLIENT_OK;
	while (answered) {
		draw(&screen);
		if (!wait_for_key(&screen))
			break;
		ask(&screen);
	}
	(void)endwin();
	delscreen(terminal);
	/* without an answer to begin with there is nothing to look at */
	*ret_status = answered ? CLI_DONE
			       : cli_fail(cli, ask_status(screen.result), "%s",
					  screen.head ? screen.head : "out of memory");
	free(screen.table);
	free(screen.head);
	return true;
}
