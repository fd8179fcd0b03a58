/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of protected_ports, and which of them an override means.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

#define SERVICE_ENTRY_SIZE 2048

/* Label and name, from address and port. */
static void service_name(struct config_service *service)
{
	char address[PREFIX_TEXT_SIZE];
	char buffer[SERVICE_ENTRY_SIZE];
	struct servent entry;
	struct servent *found = NULL;

	(void)snprintf(service->label, sizeof(service->label), "%u", service->port);
	(void)snprintf(service->name, sizeof(service->name), "%u", service->port);
	if (!service->any_address) {
		address_format(&service->address, address);
		(void)snprintf(service->label, sizeof(service->label),
			       strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, service->port);
	}
	if (getservbyport_r(htons(service->port), "tcp", &entry, buffer, sizeof(buffer), &found) ==
		    0 &&
	    found)
		(void)snprintf(service->name, sizeof(service->name), "%s", entry.s_name);
}

/* :: and 0.0.0.0 are addresses that no packet is sent to. */
static bool is_wildcard(const struct sa_address *address)
{
	char text[PREFIX_TEXT_SIZE];

	address_format(address, text);
	return strcmp(text, "::") == 0 || strcmp(text, "0.0.0.0") == 0;
}

static bool service_parse(const char *text, size_t size, struct config_service *ret,
			  const char **reterr_message)
{
	*ret = (struct config_service){ .any_address = !memchr(text, ':', size) };
	if (ret->any_address) {
		*reterr_message =
			"neither a port number (1 to 65535) nor a service of /etc/services";
		if (!config_port_parse(text, size, &ret->port))
			return false;
	} else {
		if (!config_endpoint_parse(text, size, &ret->address, &ret->port, reterr_message))
			return false;
		*reterr_message = "a port of any address is written without an address";
		if (is_wildcard(&ret->address))
			return false;
	}
	service_name(ret);
	return true;
}

static struct config_service *service_find(struct config *config,
					   const struct config_service *wanted)
{
	for (size_t i = 0; i < config->service_count; i++) {
		if (strcmp(config->services[i].label, wanted->label) == 0)
			return &config->services[i];
	}
	return NULL;
}

static bool service_add(struct config_loader *loader, const struct config_setting *setting,
			const struct config_word *word)
{
	struct config *config = loader->config;
	struct config_service service;
	const char *message = NULL;

	if (!service_parse(word->text, word->size, &service, &message)) {
		config_error(loader, &setting->origin, setting->parameter->name,
			     CONFIG_QUOTED ": %s", config_quoted(word->text, word->size), message);
		return true;
	}
	if (service_find(config, &service)) {
		config_error(loader, &setting->origin, setting->parameter->name,
			     CONFIG_QUOTED " is listed twice",
			     config_quoted(word->text, word->size));
		return true;
	}
	if (config->service_count == SA_SERVICES_MAX) {
		config_error(loader, &setting->origin, setting->parameter->name,
			     "more than %d ports", SA_SERVICES_MAX);
		return false;
	}
	config->services[config->service_count++] = service;
	return true;
}

int config_services_parse(struct config_loader *loader, const struct config_setting *setting)
{
	const char *cursor = setting->value.data;
	const char *end = cursor + setting->value.size;
	struct config_word word;
	bool any = false;

	while (!config_hopeless(loader) && config_word_next(&cursor, end, &word)) {
		any = true;
		if (!service_add(loader, setting, &word))
			break;
	}
	if (!any)
		config_error(loader, &setting->origin, setting->parameter->name,
			     "no port is listed");
	return 0;
}

/* The override that counted so far for a service and parameter gives way to a later line. */
static void override_replace(struct config_loader *loader, const struct config_setting *old,
			     const struct config_setting *new)
{
	if (strcmp(old->value.data, new->value.data) != 0)
		config_warning(loader, &new->origin, config_setting_name(new),
			       "overrides the value of line %u", old->origin.line);
}

/* Finds the row; its label becomes part of the override's name. */
static int override_resolve(struct config_loader *loader, struct config_setting *override)
{
	const size_t port_size = strlen(override->name) - strlen(override->parameter->name) - 1;
	struct config *config = loader->config;
	struct config_service wanted;
	struct config_service *service;
	const char *message = NULL;
	char *name;

	override->service = SA_SERVICES_MAX;
	if (!service_parse(override->name, port_size, &wanted, &message)) {
		config_error(loader, &override->origin, override->name, CONFIG_QUOTED ": %s",
			     config_quoted(override->name, port_size), message);
		return 0;
	}
	service = service_find(config, &wanted);
	if (!service) {
		config_error(loader, &override->origin, override->name,
			     "%s is no row of protected_ports", wanted.label);
		return 0;
	}
	if (asprintf(&name, "%s:%s", service->label, override->parameter->name) < 0)
		return -ENOMEM;
	free(override->name);
	override->name = name;
	override->service = (size_t)(service - config->services);
	return 0;
}

int config_overrides_resolve(struct config_loader *loader)
{
	struct config_values *values = loader->config->values;
	struct config_setting *last[SA_SERVICES_MAX + 1][CONFIG_PARAMETERS_MAX] = { 0 };

	for (size_t i = 0; i < values->override_count; i++) {
		struct config_setting *override = &values->overrides[i];
		struct config_setting **slot;

		if (override_resolve(loader, override) < 0)
			return -ENOMEM;
		if (override->service == SA_SERVICES_MAX)
			continue;
		slot = &last[override->service][override->parameter - config_parameters];
		if (*slot) {
			override_replace(loader, *slot, override);
			(*slot)->service = SA_SERVICES_MAX;
		}
		*slot = override;
	}
	return 0;
}
