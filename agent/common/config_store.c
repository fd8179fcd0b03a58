/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From expanded values to struct config: numbers within their bounds, choices, texts, lists.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_internal.h"
#include "config_lines.h"
#include "config_postfix.h"
#include "parse.h"

static void value_error(struct config_loader *loader, const struct config_setting *setting,
			const char *reason)
{
	config_error(loader, &setting->origin, config_setting_name(setting), CONFIG_QUOTED ": %s",
		     config_quoted(setting->value.data, setting->value.size), reason);
}

static bool in_bounds(struct config_loader *loader, const struct config_setting *setting,
		      long value)
{
	const struct config_parameter *parameter = setting->parameter;
	const bool low = value < parameter->min;

	if (!low && value <= parameter->max)
		return true;
	config_error(loader, &setting->origin, config_setting_name(setting),
		     CONFIG_QUOTED " is %s than %ld%s",
		     config_quoted(setting->value.data, setting->value.size), low ? "less" : "more",
		     low ? parameter->min : parameter->max,
		     parameter->kind == CONFIG_TIME ? " s" : "");
	return false;
}

/* The unit that a time without one is in: that of the default, as in Postfix. */
static char default_unit(const struct config_parameter *parameter)
{
	return parameter->preset[strspn(parameter->preset, "0123456789")];
}

static bool choice_parse(struct config_loader *loader, const struct config_setting *setting,
			 long *ret_value)
{
	const char *const *choices = setting->parameter->choices;
	char names[64] = "";

	for (long i = 0; choices[i]; i++) {
		if (strcasecmp(setting->value.data, choices[i]) == 0) {
			*ret_value = i;
			return true;
		}
		(void)strncat(names, i == 0 ? "one of " : ", ", sizeof(names) - strlen(names) - 1);
		(void)strncat(names, choices[i], sizeof(names) - strlen(names) - 1);
	}
	(void)strncat(names, " expected", sizeof(names) - strlen(names) - 1);
	value_error(loader, setting, names);
	return false;
}

/* A number, time or choice; false if it is none, reported. */
static bool number_parse(struct config_loader *loader, const struct config_setting *setting,
			 long *ret_value)
{
	const struct config_parameter *parameter = setting->parameter;
	int seconds = 0;

	if (parameter->kind == CONFIG_CHOICE)
		return choice_parse(loader, setting, ret_value);
	if (parameter->kind == CONFIG_TIME) {
		if (parse_time(setting->value.data, default_unit(parameter), &seconds) < 0) {
			value_error(loader, setting,
				    "a time is a number with one of the units s, m, h, d, w");
			return false;
		}
		*ret_value = seconds;
	} else if (parse_long(setting->value.data, ret_value) < 0) {
		value_error(loader, setting, "not a number (digits only, no suffix)");
		return false;
	}
	return in_bounds(loader, setting, *ret_value);
}

static void number_store(void *base, const struct config_parameter *parameter, long value)
{
	void *target = (char *)base + parameter->offset;

	if (value < 0)
		value = 0;
	if (parameter->size == sizeof(uint8_t))
		*(uint8_t *)target = (uint8_t)value;
	else if (parameter->size == sizeof(uint32_t))
		*(uint32_t *)target = (uint32_t)value;
	else if (parameter->size == sizeof(uint64_t))
		*(uint64_t *)target = (uint64_t)value;
}

static void service_store(struct config_loader *loader, const struct config_setting *setting,
			  long value)
{
	struct config *config = loader->config;
	const struct config_parameter *parameter = setting->parameter;

	if (parameter->no_limit_above > 0 && value > parameter->no_limit_above) {
		config_warning(loader, &setting->origin, config_setting_name(setting),
			       "%ld is more than can be counted (%ld): no limit", value,
			       parameter->no_limit_above);
		value = 0;
	}
	if (setting->name) {
		number_store(&config->services[setting->service], parameter, value);
		return;
	}
	number_store(&config->unlisted, parameter, value);
	for (size_t i = 0; i < config->service_count; i++)
		number_store(&config->services[i], parameter, value);
}

static int text_store(struct config_loader *loader, const struct config_setting *setting)
{
	const struct config_parameter *parameter = setting->parameter;
	const char *problem = config_text_problem(parameter, setting->value.data);
	char *copy;

	if (problem) {
		value_error(loader, setting, problem);
		return 0;
	}
	if (parameter->size == 0)
		return 0;
	copy = strdup(setting->value.data);
	if (!copy)
		return -ENOMEM;
	memcpy((char *)loader->config + parameter->offset, &copy, sizeof(copy));
	return 0;
}

static bool interface_known(const struct config *config, const struct config_word *word)
{
	for (char *const *known = config->interfaces; *known; known++) {
		if (strlen(*known) == word->size && memcmp(*known, word->text, word->size) == 0)
			return true;
	}
	return false;
}

/* Appends a name; returns -E2BIG when there is no room for more. */
static int interface_add(struct config_loader *loader, const struct config_setting *setting,
			 const struct config_word *word)
{
	const char *problem = config_interface_problem(word->text, word->size);
	struct config *config = loader->config;
	char *name;

	if (problem) {
		config_error(loader, &setting->origin, setting->parameter->name,
			     CONFIG_QUOTED ": %s", config_quoted(word->text, word->size), problem);
		return 0;
	}
	if (interface_known(config, word)) {
		config_warning(loader, &setting->origin, setting->parameter->name,
			       CONFIG_QUOTED " is listed twice",
			       config_quoted(word->text, word->size));
		return 0;
	}
	if (config->interface_count == SA_INTERFACE_SLOTS - 1) {
		config_error(loader, &setting->origin, setting->parameter->name,
			     "more than %d interfaces", SA_INTERFACE_SLOTS - 1);
		return -E2BIG;
	}
	name = strndup(word->text, word->size);
	if (!name)
		return -ENOMEM;
	config->interfaces[config->interface_count++] = name;
	return 0;
}

static int interfaces_store(struct config_loader *loader, const struct config_setting *setting)
{
	const char *cursor = setting->value.data;
	const char *end = cursor + setting->value.size;
	struct config_word word;
	bool any = false;
	int r = 0;

	loader->config->interfaces = calloc(SA_INTERFACE_SLOTS, sizeof(char *));
	if (!loader->config->interfaces)
		return -ENOMEM;
	while (r == 0 && !config_hopeless(loader) && config_word_next(&cursor, end, &word)) {
		any = true;
		r = interface_add(loader, setting, &word);
	}
	if (!any)
		config_error(loader, &setting->origin, setting->parameter->name,
			     "name the network interfaces to protect, for example eth0");
	return r == -ENOMEM ? r : 0;
}

/* Also mynetworks where nothing refers to it: a mistake in it is a mistake. But what is Postfix'
 * alone may be what Postfix alone understands. */
static int addresses_store(struct config_loader *loader, const struct config_setting *setting)
{
	const struct config_setting *exceptions =
		&loader->config->values
			 ->settings[config_parameter_find(
					    "smtpd_client_event_limit_exceptions",
					    strlen("smtpd_client_event_limit_exceptions")) -
				    config_parameters];
	struct config_patterns unused = { 0 };
	int r;

	if (setting == exceptions)
		return config_list_parse(loader, setting, &loader->config->exceptions);
	for (size_t i = 0; i < exceptions->span_count; i++) {
		if (exceptions->spans[i].setting == setting)
			return 0; /* checked as part of it */
	}
	if (setting->origin.kind == CONFIG_FROM_MAIN_CF)
		return 0;
	r = config_list_parse(loader, setting, &unused);
	config_patterns_done(&unused);
	return r;
}

/* Whether it can be printed as it is, and read again. */
static bool is_plain(const char *text)
{
	while (config_blank(*text) || (*text >= ' ' && *text <= '~'))
		text++;
	return *text == '\0';
}

static int setting_store(struct config_loader *loader, const struct config_setting *setting)
{
	long value = 0;

	if (!is_plain(setting->value.data)) {
		value_error(loader, setting, "only printable ASCII characters are allowed");
		return 0;
	}
	switch (setting->parameter->kind) {
	case CONFIG_NUMBER:
	case CONFIG_TIME:
	case CONFIG_CHOICE:
		if (!number_parse(loader, setting, &value))
			return 0;
		if (setting->parameter->per_service)
			service_store(loader, setting, value);
		else
			number_store(loader->config, setting->parameter, value);
		return 0;
	case CONFIG_INTERFACES:
		return interfaces_store(loader, setting);
	case CONFIG_SERVICES:
		return config_services_parse(loader, setting);
	case CONFIG_ADDRESSES:
		return addresses_store(loader, setting);
	case CONFIG_PROXIES:
		return config_proxies_store(loader, setting);
	default:
		return text_store(loader, setting);
	}
}

int config_store_all(struct config_loader *loader)
{
	struct config_values *values = loader->config->values;
	int r = 0;

	/* In the order of the table, where protected_ports stands before what its rows hold. */
	for (size_t i = 0; i < config_parameter_count && r == 0 && !config_hopeless(loader); i++)
		r = values->settings[i].failed ? 0 : setting_store(loader, &values->settings[i]);
	if (r == 0)
		r = config_overrides_resolve(loader);
	if (r == 0)
		r = config_postfix_apply(loader);
	for (size_t i = 0; i < values->override_count && r == 0 && !config_hopeless(loader); i++) {
		if (!values->overrides[i].failed && values->overrides[i].service < SA_SERVICES_MAX)
			r = setting_store(loader, &values->overrides[i]);
	}
	if (r == 0)
		r = config_postfix_exempt(loader);
	return r;
}
