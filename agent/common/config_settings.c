/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From logical lines to settings: "name = value" and "PORT:name = value", the last one of a name
 * wins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "config_lines.h"
#include "config_postfix.h"

const char *config_setting_name(const struct config_setting *setting)
{
	return setting->name ? setting->name : setting->parameter->name;
}

const char *config_origin_file(const struct config_loader *loader,
			       const struct config_origin *origin)
{
	return origin->file ? origin->file : loader->config->file;
}

const char *config_file_name(struct config_values *values, const char *path)
{
	char **grown;
	char *copy;

	for (size_t i = 0; i < values->file_count; i++) {
		if (strcmp(values->files[i], path) == 0)
			return values->files[i];
	}
	grown = reallocarray(values->files, values->file_count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	values->files = grown;
	copy = strdup(path);
	if (copy)
		grown[values->file_count++] = copy;
	return copy;
}

const char *config_assignment_split(char *text, char **ret_value)
{
	const size_t name_size = strcspn(text, " \t\n\v\f\r=");
	char *value = text + name_size;

	while (config_blank(*value))
		value++;
	if (*value != '=')
		return "missing \"=\" after the parameter name";
	if (name_size == 0)
		return "missing parameter name";
	value++;
	while (config_blank(*value))
		value++;
	text[name_size] = '\0';
	*ret_value = value;
	return NULL;
}

/* A line, taken apart: the name becomes a string of its own. */
struct assignment {
	char *name;
	char *value;
	struct config_origin origin;
};

/* Returns false if the line is no assignment; reported. */
static bool assignment_parse(struct config_loader *loader, const struct config_line *line,
			     struct assignment *ret)
{
	const char *problem;

	*ret = (struct assignment){
		.name = line->text,
		.origin = { CONFIG_FROM_FILE, line->line, loader->config->file },
	};
	if (line->indented) {
		config_error(loader, &ret->origin, NULL,
			     "the first line must not begin with a blank");
		return false;
	}
	problem = config_assignment_split(line->text, &ret->value);
	if (problem)
		config_error(loader, &ret->origin, NULL, "%s: \"%.60s\"", problem, line->text);
	return !problem;
}

static void report_unknown(struct config_loader *loader, const struct assignment *a,
			   const char *name)
{
	const struct config_parameter *nearest = config_parameter_nearest(name);

	if (strcmp(name, "mynetworks_style") == 0)
		config_error(loader, &a->origin, a->name,
			     "unknown parameter; trusted networks are never computed from the "
			     "interfaces: set mynetworks");
	else if (nearest)
		config_error(loader, &a->origin, a->name, "unknown parameter; did you mean %s?",
			     nearest->name);
	else
		config_error(loader, &a->origin, a->name, "unknown parameter");
}

/* Gives a setting the value; what it had before is worth a warning if that was something else. */
static int setting_set(struct config_loader *loader, struct config_setting *setting,
		       const struct assignment *a)
{
	char *raw = strdup(a->value);

	if (!raw)
		return -ENOMEM;
	if (setting->raw && strcmp(setting->raw, raw) != 0)
		config_warning(loader, &a->origin, a->name, "overrides the value of line %u",
			       setting->origin.line);
	free(setting->raw);
	setting->raw = raw;
	setting->origin = a->origin;
	return 0;
}

struct config_setting *config_override_new(struct config_values *values,
					   const struct config_parameter *parameter,
					   const char *name)
{
	const size_t count = values->override_count;
	struct config_setting *override;

	/* Room doubles at powers of two. */
	if ((count & (count - 1)) == 0) {
		override = reallocarray(values->overrides, count == 0 ? 1 : 2 * count,
					sizeof(*override));
		if (!override)
			return NULL;
		values->overrides = override;
	}
	override = &values->overrides[values->override_count++];
	*override = (struct config_setting){ .parameter = parameter, .name = strdup(name) };
	return override->name ? override : NULL;
}

static int override_add(struct config_loader *loader, const struct config_parameter *parameter,
			const struct assignment *a)
{
	struct config_setting *override =
		config_override_new(loader->config->values, parameter, a->name);

	return override ? setting_set(loader, override, a) : -ENOMEM;
}

static int assign(struct config_loader *loader, const struct assignment *a)
{
	const char *colon = strrchr(a->name, ':');
	const char *name = colon ? colon + 1 : a->name;
	const struct config_parameter *parameter = config_parameter_find(name, strlen(name));

	if (!parameter) {
		report_unknown(loader, a, name);
		return 0;
	}
	if (!colon)
		return setting_set(loader,
				   &loader->config->values->settings[parameter - config_parameters],
				   a);
	if (!parameter->per_service) {
		config_error(loader, &a->origin, a->name, "%s cannot be set for one service", name);
		return 0;
	}
	return override_add(loader, parameter, a);
}

int config_settings_read(struct config_loader *loader, char *text, size_t size)
{
	struct config_lines lines;
	struct config_line line;
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < config_parameter_count; i++)
		loader->config->values->settings[i].parameter = &config_parameters[i];
	config_lines_init(&lines, text, size);
	while (r == 0 && config_lines_next(&lines, &line)) {
		struct assignment a;

		if (count++ == CONFIG_LINES_MAX) {
			report_add(loader->report, REPORT_ERROR, loader->config->file, line.line,
				   NULL, "more than %d parameters are set", CONFIG_LINES_MAX);
			break;
		}
		if (assignment_parse(loader, &line, &a))
			r = assign(loader, &a);
	}
	return r;
}

static void setting_done(struct config_setting *setting)
{
	free(setting->raw);
	free(setting->name);
	free(setting->value.data);
	free(setting->spans);
}

struct config_values *config_values_free(struct config_values *values)
{
	if (!values)
		return NULL;
	for (size_t i = 0; i < CONFIG_PARAMETERS_MAX; i++)
		setting_done(&values->settings[i]);
	for (size_t i = 0; i < values->override_count; i++)
		setting_done(&values->overrides[i]);
	for (size_t i = 0; i < values->file_count; i++)
		free(values->files[i]);
	config_postfix_free(values->postfix);
	free(values->overrides);
	free(values->files);
	free(values);
	return NULL;
}
