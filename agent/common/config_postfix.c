/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the directories of postfix_config_directory. What the configuration file leaves open is
 * what the first main.cf says, or what Postfix takes for granted.
 */
#include "config_postfix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config_lines.h"

#define DIRECTORIES "postfix_config_directory"

static const struct config_setting *directories(const struct config_loader *loader)
{
	const struct config_parameter *parameter =
		config_parameter_find(DIRECTORIES, strlen(DIRECTORIES));

	return &loader->config->values->settings[parameter - config_parameters];
}

int postfix_assignment_add(struct postfix_assignments *assignments, const char *name,
			   const char *value, const struct config_origin *origin)
{
	const size_t count = assignments->count;
	struct postfix_assignment *grown;

	/* Room doubles at powers of two. */
	if ((count & (count - 1)) == 0) {
		grown = reallocarray(assignments->items, count == 0 ? 1 : 2 * count,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		assignments->items = grown;
	}
	grown = &assignments->items[assignments->count++];
	*grown = (struct postfix_assignment){ strdup(name), strdup(value), *origin };
	return grown->name && grown->value ? 0 : -ENOMEM;
}

static void assignments_done(struct postfix_assignments *assignments)
{
	for (size_t i = 0; i < assignments->count; i++) {
		free(assignments->items[i].name);
		free(assignments->items[i].value);
	}
	free(assignments->items);
}

static int compare_assignments(const void *a, const void *b)
{
	const struct postfix_assignment *left = a, *right = b;
	const int order = strcmp(left->name, right->name);

	if (order != 0)
		return order;
	return left->origin.line < right->origin.line ? -1 : 1;
}

/* By name, the last of each. */
static void assignments_settle(struct config_loader *loader, struct postfix_assignments *list)
{
	size_t kept = 0;

	if (list->count > 0)
		qsort(list->items, list->count, sizeof(*list->items), compare_assignments);
	for (size_t i = 0; i < list->count; i++) {
		const struct postfix_assignment item = list->items[i];
		const struct postfix_assignment *next =
			i + 1 < list->count ? &list->items[i + 1] : NULL;

		if (!next || strcmp(next->name, item.name) != 0) {
			list->items[kept++] = item;
			continue;
		}
		if (strcmp(next->value, item.value) != 0)
			config_warning(loader, &next->origin, item.name,
				       "overrides the value of line %u", item.origin.line);
		free(item.name);
		free(item.value);
	}
	list->count = kept;
}

static int main_line(struct config_loader *loader, struct postfix_instance *instance,
		     const struct config_line *line)
{
	const struct config_origin origin = { CONFIG_FROM_MAIN_CF, line->line, instance->main_cf };
	const char *problem;
	char *value;

	if (line->indented) {
		config_warning(loader, &origin, NULL,
			       "the first line begins with a blank: Postfix ignores it");
		return 0;
	}
	problem = config_assignment_split(line->text, &value);
	if (!problem)
		return postfix_assignment_add(&instance->parameters, line->text, value, &origin);
	config_error(loader, &origin, NULL, "%s: \"%.60s\"", problem, line->text);
	return 0;
}

static int main_parse(struct config_loader *loader, struct postfix_instance *instance, char *text,
		      size_t size)
{
	struct config_lines lines;
	struct config_line line;
	size_t count = 0;
	int r = 0;

	config_lines_init(&lines, text, size);
	while (r == 0 && !config_hopeless(loader) && config_lines_next(&lines, &line)) {
		if (count++ == CONFIG_LINES_MAX) {
			report_add(loader->report, REPORT_ERROR, instance->main_cf, line.line, NULL,
				   "more than %d parameters are set", CONFIG_LINES_MAX);
			break;
		}
		r = main_line(loader, instance, &line);
	}
	assignments_settle(loader, &instance->parameters);
	return r;
}

/* Reads a file of the directory and has it parsed. */
static int read_part(struct config_loader *loader, struct postfix_instance *instance,
		     const char *name, const char **ret_path,
		     int (*parse)(struct config_loader *loader, struct postfix_instance *instance,
				  char *text, size_t size))
{
	const struct config_setting *setting = directories(loader);
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	if (asprintf(&path, "%s/%s", instance->directory, name) < 0)
		return -ENOMEM;
	*ret_path = config_file_name(loader->config->values, path);
	if (!*ret_path)
		return -ENOMEM;
	r = config_include(loader, path, &setting->origin, DIRECTORIES, &text, &size);
	return r < 0 || !text ? r : parse(loader, instance, text, size);
}

static int instance_read(struct config_loader *loader, struct postfix_instance *instance)
{
	int r = read_part(loader, instance, "main.cf", &instance->main_cf, main_parse);

	if (r == 0)
		r = read_part(loader, instance, "master.cf", &instance->master_cf,
			      postfix_master_parse);
	return r < 0 ? r : postfix_interfaces_read(loader, instance);
}

/* Postfix' -o for anvil(8), whose time unit is not smtpd's. */
static const struct postfix_assignment *anvil_option(const struct postfix_instance *instance,
						     const char *name)
{
	const struct postfix_assignment *found = NULL;

	if (strcmp(name, "anvil_rate_time_unit") != 0)
		return NULL;
	for (size_t i = 0; i < instance->service_count; i++) {
		const struct postfix_service *service = &instance->services[i];

		for (size_t j = 0; service->role == POSTFIX_ANVIL && j < service->options.count;
		     j++) {
			if (strcmp(service->options.items[j].name, name) == 0)
				found = &service->options.items[j];
		}
	}
	return found;
}

static const struct postfix_assignment *main_find(const struct postfix_instance *instance,
						  const char *name)
{
	for (size_t i = 0; i < instance->parameters.count; i++) {
		if (strcmp(instance->parameters.items[i].name, name) == 0)
			return &instance->parameters.items[i];
	}
	return NULL;
}

/* A setting that the file leaves open. */
static int setting_overlay(struct config_setting *setting, const struct postfix_instance *instance)
{
	const char *name = setting->parameter->name;
	const struct postfix_assignment *assignment = anvil_option(instance, name);
	const char *text = postfix_preset(name);

	if (!assignment)
		assignment = main_find(instance, name);
	if (assignment) {
		setting->origin = assignment->origin;
		text = assignment->value;
	} else if (strcmp(text, setting->parameter->preset) == 0) {
		return 0;
	}
	setting->raw = strdup(text);
	/* It may have been expanded for the name of a directory. */
	setting->value.size = 0;
	setting->span_count = 0;
	setting->state = CONFIG_UNEXPANDED;
	return setting->raw ? 0 : -ENOMEM;
}

static int overlay(struct config_loader *loader)
{
	struct config_values *values = loader->config->values;
	int r = 0;

	for (size_t i = 0; i < config_parameter_count && r == 0; i++) {
		struct config_setting *setting = &values->settings[i];

		if (!setting->raw && setting->parameter->in_postfix)
			r = setting_overlay(setting, &values->postfix->instances[0]);
	}
	return r;
}

static int instances_read(struct config_loader *loader, struct postfix *postfix)
{
	const struct config_setting *setting = directories(loader);
	const char *cursor = setting->value.data;
	const char *end = cursor + setting->value.size;
	struct config_word word;
	int r = 0;

	postfix->instances = calloc(POSTFIX_INSTANCES_MAX, sizeof(*postfix->instances));
	if (!postfix->instances)
		return -ENOMEM;
	while (r == 0 && config_word_next(&cursor, end, &word)) {
		struct postfix_instance *instance = &postfix->instances[postfix->count];

		if (postfix->count == POSTFIX_INSTANCES_MAX) {
			config_error(loader, &setting->origin, DIRECTORIES,
				     "more than %d directories", POSTFIX_INSTANCES_MAX);
			break;
		}
		while (word.size > 1 && word.text[word.size - 1] == '/')
			word.size--;
		postfix->count++;
		instance->directory = strndup(word.text, word.size);
		r = instance->directory ? instance_read(loader, instance) : -ENOMEM;
	}
	return r;
}

int config_postfix_read(struct config_loader *loader)
{
	struct config_values *values = loader->config->values;
	struct config_setting *setting = (struct config_setting *)directories(loader);
	int r;

	if (!setting->raw)
		return 0;
	r = config_expand_setting(loader, setting);
	if (r == -ENOMEM || setting->failed || setting->value.size == 0 ||
	    config_text_problem(setting->parameter, setting->value.data))
		return r == -ENOMEM ? r : 0; /* reported, now or when it is stored */
	values->postfix = calloc(1, sizeof(*values->postfix));
	if (!values->postfix)
		return -ENOMEM;
	r = instances_read(loader, values->postfix);
	if (r < 0 || values->postfix->count == 0)
		return r;
	values->postfix->base =
		config_scope_new(values, SCOPE_FILE_FIRST, &values->postfix->instances[0], NULL);
	if (!values->postfix->base)
		return -ENOMEM;
	loader->scope = values->postfix->base;
	return overlay(loader);
}

struct postfix *config_postfix_free(struct postfix *postfix)
{
	if (!postfix)
		return NULL;
	for (size_t i = 0; i < postfix->count; i++) {
		assignments_done(&postfix->instances[i].parameters);
		postfix_services_done(&postfix->instances[i]);
		free(postfix->instances[i].addresses);
		free(postfix->instances[i].directory);
	}
	free(postfix->instances);
	config_scope_free(postfix->base);
	free(postfix);
	return NULL;
}
