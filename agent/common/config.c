/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: read lines, expand values, check and store them; nothing of a file with an error is ever
 * used.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config_internal.h"
#include "config_lines.h"
#include "config_postfix.h"

static void config_freep(struct config **config)
{
	config_free(*config);
}

static struct config *config_new(const char *name)
{
	_cleanup_(config_freep) struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->file = strdup(name);
	config->values = calloc(1, sizeof(*config->values));
	return config->file && config->values ? TAKE_PTR(config) : NULL;
}

static void loader_init(struct config_loader *loader, struct config *config,
			const struct config_reader *reader, struct report *report)
{
	*loader = (struct config_loader){
		.config = config,
		.report = report,
		.errors_before = report->errors,
		.reader = reader,
		.read_left = CONFIG_READ_BYTES_MAX,
		.files_left = CONFIG_FILES_MAX,
		.expansion_left = CONFIG_EXPANDED_MAX,
	};
}

/* All but reading the file; text is rewritten. */
static int parse(struct config_loader *loader, char *text, size_t size)
{
	const size_t first = loader->report->count;
	int r = config_settings_read(loader, text, size);

	if (r == 0)
		r = config_postfix_read(loader);
	if (r == 0)
		r = config_expand_all(loader);
	if (r == 0)
		r = config_store_all(loader);
	report_sort(loader->report, first, loader->config->file);
	report_unique(loader->report, first);
	if (r == 0 && loader->report->errors > loader->errors_before)
		r = -EINVAL;
	return r;
}

int config_parse_buffer(const char *name, const char *text, size_t size,
			const struct config_reader *reader, struct config **ret_config,
			struct report *report)
{
	_cleanup_(config_freep) struct config *config = config_new(name);
	_cleanup_free_ char *copy = malloc(size + 1);
	struct config_loader loader;
	int r;

	if (!config || !copy)
		return -ENOMEM;
	if (memchr(text, '\0', size)) {
		report_add(report, REPORT_ERROR, name, 0, NULL, "there is a NUL byte in the file");
		return -EINVAL;
	}
	memcpy(copy, text, size);
	loader_init(&loader, config, reader, report);
	r = parse(&loader, copy, size);
	if (r == 0)
		*ret_config = TAKE_PTR(config);
	return r;
}

int config_load(const char *file, struct config **ret_config, struct report *report)
{
	static const struct config_reader reader = { config_read_file, NULL, config_identify_file };
	_cleanup_(config_freep) struct config *config = config_new(file);
	_cleanup_free_ char *text = NULL;
	struct config_loader loader;
	size_t size = 0;
	int r;

	if (!config)
		return -ENOMEM;
	loader_init(&loader, config, &reader, report);
	r = config_read(&loader, file, &text, &size);
	if (r == 0)
		r = parse(&loader, text, size);
	if (r == 0)
		*ret_config = TAKE_PTR(config);
	return r;
}

void config_drop_lists(struct config *config)
{
	config_patterns_done(&config->exceptions);
	config_patterns_done(&config->upstream_proxies);
}

struct config *config_free(struct config *config)
{
	if (!config)
		return NULL;
	for (size_t i = 0; i < config->interface_count; i++)
		free(config->interfaces[i]);
	free(config->interfaces);
	config_drop_lists(config);
	free(config->queue_directory);
	free(config->policy_listen);
	free(config->milter_listen);
	free(config->metrics_listen);
	free(config->control_socket);
	free(config->control_group);
	free(config->bpf_directory);
	free(config->state_directory);
	free(config->files);
	config_values_free(config->values);
	free(config->file);
	free(config);
	return NULL;
}

const char *config_needs_restart(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < config_parameter_count; i++) {
		if (config_parameters[i].at_start && strcmp(a->values->settings[i].value.data,
							    b->values->settings[i].value.data) != 0)
			return config_parameters[i].name;
	}
	return NULL;
}

/*
 * A value as it may stand in a file: without blanks at its ends, "$" as "$$", and a blank of any
 * kind as a space: to every parameter they are the same.
 */
static int write_value(const char *value, struct config_text *ret_text)
{
	int r = config_text_append(ret_text, "", 0);
	const char *end = value + strlen(value);

	while (config_blank(*value))
		value++;
	while (end > value && config_blank(end[-1]))
		end--;
	for (; value < end && r == 0; value++) {
		if (*value == '$')
			r = config_text_append(ret_text, "$$", 2);
		else
			r = config_text_append(ret_text, config_blank(*value) ? " " : value, 1);
	}
	return r;
}

/* Also what says the default again where Postfix' files would say something else without it. */
static bool is_changed(const struct config *config, const struct config_setting *setting)
{
	return setting->changed || (config->values->postfix && setting->parameter->in_postfix &&
				    setting->origin.kind == CONFIG_FROM_FILE);
}

static int visit(const struct config *config, const struct config_setting *setting,
		 int (*visitor)(const struct config_value *value, void *context), void *context)
{
	struct config_text text = { 0 };
	int r = write_value(setting->value.data, &text);
	const struct config_value shown = {
		.name = config_setting_name(setting),
		.value = text.data,
		.changed = is_changed(config, setting),
		.origin = setting->origin,
	};

	if (r == 0)
		r = visitor(&shown, context);
	free(text.data);
	return r;
}

int config_each(const struct config *config,
		int (*visitor)(const struct config_value *value, void *context), void *context)
{
	const struct config_values *values = config->values;
	int r = 0;

	for (size_t i = 0; i < config_parameter_count && r == 0; i++) {
		r = visit(config, &values->settings[i], visitor, context);
		for (size_t j = 0; j < values->override_count && r == 0; j++) {
			const struct config_setting *override = &values->overrides[j];

			if (override->parameter == &config_parameters[i] &&
			    override->service < SA_SERVICES_MAX)
				r = visit(config, override, visitor, context);
		}
	}
	return r;
}
