/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * $name, ${name}, $(name), $$, ${name?yes:no} and ${{a} == {b} ? {yes} : {no}}, as Postfix expands
 * them. Each parameter is expanded once. Inner functions return -EINVAL for what they have
 * reported.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config_internal.h"
#include "config_lines.h"
#include "config_postfix.h"
#include "config_relation.h"

/* What one macro call takes from the budget beside its text: bounds the number of calls, and of
 * spans. */
#define CALL_COST 16

struct expander {
	struct config_loader *loader;
	struct config_setting *setting; /* whose value it is */
	struct config_text *out;
};

/* A piece of a value. */
struct piece {
	const char *text;
	size_t size;
};

static int expand_text(struct expander *x, struct piece piece);

static int bad(const struct expander *x, const char *reason, struct piece at)
{
	const int shown = at.size > 60 ? 60 : (int)at.size;

	config_error(x->loader, &x->setting->origin, config_setting_name(x->setting),
		     "%s: \"%.*s\"", reason, shown, at.text);
	return -EINVAL;
}

static int append(struct expander *x, const char *text, size_t size, size_t cost)
{
	struct config_loader *loader = x->loader;

	if (size + cost > loader->expansion_left) {
		loader->expansion_left = 0;
		config_error(loader, &x->setting->origin, config_setting_name(x->setting),
			     "the values together expand to more than %lu bytes",
			     CONFIG_EXPANDED_MAX);
		return -EINVAL;
	}
	loader->expansion_left -= size + cost;
	return config_text_append(x->out, text, size);
}

/* What comes next was written in origin's value. */
static int span_add(struct expander *x, const struct config_setting *origin)
{
	struct config_setting *setting = x->setting;
	const size_t count = setting->span_count;
	struct config_span *grown;

	if (x->out != &setting->value)
		return 0; /* an operand of a comparison: never part of the value */
	if (setting->name)
		return 0; /* an override: no list */
	/* Room doubles at powers of two. */
	if ((count & (count - 1)) == 0) {
		grown = reallocarray(setting->spans, count == 0 ? 1 : 2 * count, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		setting->spans = grown;
	}
	setting->spans[setting->span_count++] =
		(struct config_span){ .start = setting->value.size, .setting = origin };
	return 0;
}

static struct config_setting *setting_find(const struct config_loader *loader, struct piece name)
{
	const struct config_parameter *parameter = config_parameter_find(name.text, name.size);

	if (loader->scope)
		return config_scope_find(loader->scope, name.text, name.size);
	if (!parameter)
		return NULL;
	return &loader->config->values->settings[parameter - config_parameters];
}

/* The value of a parameter; nothing, and a warning, if there is none of that name. */
static int expand_name(struct expander *x, struct piece name)
{
	struct config_setting *named = setting_find(x->loader, name);
	int r;

	if (!named) {
		config_warning(x->loader, &x->setting->origin, config_setting_name(x->setting),
			       "$%.*s is %s: taken as empty", name.size > 60 ? 60 : (int)name.size,
			       name.text,
			       x->loader->scope ? "neither set nor a default known here"
						: "not a parameter");
		return append(x, "", 0, CALL_COST);
	}
	r = config_expand_setting(x->loader, named);
	if (r == 0)
		r = span_add(x, named);
	if (r == 0)
		r = append(x, named->value.data ? named->value.data : "", named->value.size,
			   CALL_COST);
	return r == 0 ? span_add(x, x->setting) : r;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && config_blank(*p))
		p++;
	return p;
}

static bool name_character(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* {text}, or else all that is left, with its blanks. */
static int operand(const struct expander *x, const char **cursor, const char *end,
		   struct piece *ret)
{
	const char *start = skip_blanks(*cursor, end);

	*ret = (struct piece){ *cursor, (size_t)(end - *cursor) };
	if (start == end || *start != '{') {
		*cursor = end;
		return 0;
	}
	*cursor = start;
	if (!config_braced(cursor, end, &ret->text, &ret->size))
		return bad(x, "a brace has no partner", *ret);
	*cursor = skip_blanks(*cursor, end);
	return 0;
}

/* What stands behind a name or a comparison: "?yes", ":no" or "?{yes}:no". */
static int expand_choice(struct expander *x, bool truth, const char *cursor, const char *end)
{
	struct piece yes = { "", 0 };
	struct piece no = { "", 0 };
	int r = 0;

	if (*cursor == '?') {
		cursor++;
		r = operand(x, &cursor, end, &yes);
		if (r == 0 && cursor < end && *cursor != ':')
			return bad(x, "\":\" expected at",
				   (struct piece){ cursor, (size_t)(end - cursor) });
	}
	if (r == 0 && cursor < end) {
		cursor++;
		r = operand(x, &cursor, end, &no);
		if (r == 0 && cursor < end)
			return bad(x, "unexpected text",
				   (struct piece){ cursor, (size_t)(end - cursor) });
	}
	if (r == 0)
		r = append(x, "", 0, CALL_COST);
	return r == 0 ? expand_text(x, truth ? yes : no) : r;
}

/* {text} at *cursor, expanded into a text of its own. */
static int relation_side(struct expander *x, const char **cursor, const char *end,
			 struct config_text *ret)
{
	struct expander side = { x->loader, x->setting, ret };
	struct piece piece;

	*cursor = skip_blanks(*cursor, end);
	piece = (struct piece){ *cursor, (size_t)(end - *cursor) };
	if (*cursor == end || **cursor != '{' ||
	    !config_braced(cursor, end, &piece.text, &piece.size))
		return bad(x, "{text} expected at", piece);
	*cursor = skip_blanks(*cursor, end);
	return expand_text(&side, piece);
}

static int compare(const struct expander *x, const char *left,
		   const struct config_comparison *comparison, const char *right, bool *ret_truth)
{
	const char *side = "";

	if (config_compare(left, comparison, right, ret_truth, &side))
		return 0;
	return bad(x,
		   comparison->by_level ? "not a compatibility level, such as 3.6"
					: "too large a number to compare",
		   (struct piece){ side, strlen(side) });
}

/* ${{a} OP {b} ...}: decides, and leaves *cursor behind {b}. */
static int expand_relation(struct expander *x, const char **cursor, const char *end,
			   bool *ret_truth)
{
	struct config_text left = { 0 };
	struct config_text right = { 0 };
	struct config_comparison comparison = { 0 };
	int r = relation_side(x, cursor, end, &left);

	if (r == 0 && !config_comparison_parse(cursor, end, &comparison))
		r = bad(x, "one of == != < <= > >= expected at",
			(struct piece){ *cursor, (size_t)(end - *cursor) });
	if (r == 0)
		r = relation_side(x, cursor, end, &right);
	if (r == 0)
		r = compare(x, left.data ? left.data : "", &comparison,
			    right.data ? right.data : "", ret_truth);
	free(left.data);
	free(right.data);
	return r;
}

/* The inside of ${...} or $(...). */
static int expand_call(struct expander *x, struct piece body)
{
	const char *end = body.text + body.size;
	const char *cursor = skip_blanks(body.text, end);
	const struct config_setting *named;
	struct piece name = { cursor, 0 };
	bool truth = false;
	int r;

	if (cursor < end && *cursor == '{') {
		r = expand_relation(x, &cursor, end, &truth);
		if (r < 0)
			return r;
		if (cursor == end)
			return append(x, "true", truth ? strlen("true") : 0, CALL_COST);
	} else {
		while (cursor < end && name_character(*cursor))
			cursor++;
		name.size = (size_t)(cursor - name.text);
		cursor = skip_blanks(cursor, end);
		/* Postfix takes "${ }" and "${?x}" for a name that is not set. */
		if (body.size == 0)
			return bad(x, "a parameter name is missing in", body);
		if (cursor == end)
			return expand_name(x, name);
		named = setting_find(x->loader, name);
		truth = named && *(named->raw ? named->raw : named->parameter->preset) != '\0';
	}
	if (*cursor != '?' && *cursor != ':')
		return bad(x, "neither \"?\" nor \":\" at",
			   (struct piece){ cursor, (size_t)(end - cursor) });
	return expand_choice(x, truth, cursor, end);
}

/* The partner of the bracket at p; Postfix counts brackets of the same kind only. */
static const char *partner(const char *p, const char *end)
{
	const char open = *p;
	const char close = open == '{' ? '}' : ')';
	size_t level = 0;

	for (; p < end; p++) {
		if (*p == open)
			level++;
		else if (*p == close && --level == 0)
			return p;
	}
	return NULL;
}

/* One reference; *cursor stands behind its "$". */
static int expand_reference(struct expander *x, const char **cursor, const char *end)
{
	const struct piece rest = { *cursor - 1, (size_t)(end - *cursor) + 1 };
	const char *start = *cursor;
	const char *close;

	if (start < end && *start == '$') {
		*cursor = start + 1;
		return append(x, "$", 1, 0);
	}
	if (start < end && (*start == '{' || *start == '(')) {
		close = partner(start, end);
		if (!close)
			return bad(x, "this is never closed", rest);
		*cursor = close + 1;
		return expand_call(x, (struct piece){ start + 1, (size_t)(close - start) - 1 });
	}
	while (*cursor < end && name_character(**cursor))
		(*cursor)++;
	if (*cursor == start)
		return bad(
			x,
			"a parameter name is missing after \"$\" (write \"$$\" for the character)",
			rest);
	return expand_name(x, (struct piece){ start, (size_t)(*cursor - start) });
}

static int expand_text(struct expander *x, struct piece piece)
{
	const char *cursor = piece.text;
	const char *end = piece.text + piece.size;
	int r = 0;

	if (x->loader->depth >= CONFIG_NESTING_MAX)
		return bad(x, "macro calls are nested too deeply", piece);
	x->loader->depth++;
	while (r == 0 && cursor < end) {
		const char *dollar = memchr(cursor, '$', (size_t)(end - cursor));
		const char *stop = dollar ? dollar : end;

		r = append(x, cursor, (size_t)(stop - cursor), 0);
		cursor = stop;
		if (r == 0 && dollar) {
			cursor++;
			r = expand_reference(x, &cursor, end);
		}
	}
	x->loader->depth--;
	return r;
}

int config_expand_setting(struct config_loader *loader, struct config_setting *setting)
{
	const char *text = setting->raw ? setting->raw : setting->parameter->preset;
	struct expander x = { loader, setting, &setting->value };
	int r;

	if (setting->state == CONFIG_EXPANDED)
		return 0;
	if (setting->state == CONFIG_EXPANDING)
		return bad(&x, "the value refers to itself", (struct piece){ text, strlen(text) });
	setting->state = CONFIG_EXPANDING;
	r = span_add(&x, setting);
	if (r == 0)
		r = expand_text(&x, (struct piece){ text, strlen(text) });
	setting->state = CONFIG_EXPANDED;
	setting->failed = r < 0;
	/* An empty value is a text, too. */
	if (r != -ENOMEM && config_text_append(&setting->value, "", 0) < 0)
		return -ENOMEM;
	return r;
}

/* Whether an explicit value says something else than the default. */
static int find_change(struct config_loader *loader, struct config_setting *setting)
{
	struct config_setting preset = { .parameter = setting->parameter };
	int r = 0;

	if (setting->origin.kind == CONFIG_FROM_DEFAULT)
		return 0;
	r = config_expand_setting(loader, &preset);
	setting->changed =
		strcmp(setting->value.data, preset.value.data ? preset.value.data : "") != 0;
	free(preset.value.data);
	free(preset.spans);
	return r;
}

/* Where the budget is used up, one message says so, not one for each parameter. */
static bool goes_on(const struct config_loader *loader, int r)
{
	return r != -ENOMEM && loader->expansion_left > 0;
}

int config_expand_all(struct config_loader *loader)
{
	struct config_values *values = loader->config->values;
	int r = 0;

	for (size_t i = 0; i < config_parameter_count && goes_on(loader, r); i++)
		r = config_expand_setting(loader, &values->settings[i]);
	for (size_t i = 0; i < values->override_count && goes_on(loader, r); i++) {
		r = config_expand_setting(loader, &values->overrides[i]);
		values->overrides[i].changed = true;
	}
	for (size_t i = 0; i < config_parameter_count && goes_on(loader, r); i++)
		r = find_change(loader, &values->settings[i]);
	if (r != -ENOMEM)
		r = loader->expansion_left > 0 ? 0 : -EINVAL;
	return r;
}
