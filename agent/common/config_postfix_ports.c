/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which service of master.cf a row of protected_ports means: the one that the row's packets reach.
 */
#include <errno.h>
#include <string.h>

#include "config_postfix.h"

/* 127.0.0.0/8 or ::1 */
static bool is_loopback(const struct sa_address *address)
{
	static const uint8_t six[16] = { [15] = 1 };
	struct prefix one;

	prefix_of(address, 128, &one);
	return prefix_is_ipv4(&one) ? one.address[12] == 127
				    : memcmp(one.address, six, sizeof(six)) == 0;
}

static bool is_ipv4(const struct sa_address *address)
{
	struct prefix one;

	prefix_of(address, 128, &one);
	return prefix_is_ipv4(&one);
}

static bool same_address(const struct sa_address *a, const struct sa_address *b)
{
	return a->high_be == b->high_be && a->low_be == b->low_be;
}

/* How well a service that listens on just this address fits a row. */
static unsigned fit_address(const struct config_service *row, const struct sa_address *address)
{
	if (!row->any_address)
		return same_address(&row->address, address) ? 4 : 0;
	return is_loopback(address) ? 1 : 2;
}

static unsigned fit_interfaces(const struct config_service *row,
			       const struct postfix_instance *instance)
{
	unsigned best = instance->unknown_interfaces ? 1 : 0;

	if (instance->all_interfaces)
		return row->any_address ? 4 : 3;
	if (row->any_address && instance->unknown_interfaces)
		best = 3;
	for (size_t i = 0; i < instance->address_count; i++) {
		const unsigned fit = fit_address(row, &instance->addresses[i]);

		best = fit > best ? fit : best;
	}
	return best;
}

unsigned postfix_fit(const struct config_service *row, const struct postfix_instance *instance,
		     const struct postfix_service *service)
{
	if (!service->inet || service->port != row->port ||
	    (service->role != POSTFIX_SMTPD && service->role != POSTFIX_POSTSCREEN))
		return 0;
	switch (service->host) {
	case POSTFIX_ALL_IPV4:
		return row->any_address || is_ipv4(&row->address) ? 3 : 0;
	case POSTFIX_ALL_IPV6:
		return row->any_address || !is_ipv4(&row->address) ? 3 : 0;
	case POSTFIX_ADDRESS:
		return fit_address(row, &service->address);
	case POSTFIX_NAME:
		return row->any_address ? 2 : 1;
	default:
		return fit_interfaces(row, instance);
	}
}

struct match {
	const struct postfix_instance *instance;
	const struct postfix_service *service;
	unsigned fit;
	const struct postfix_service *rival; /* fits as well */
};

static void match_instance(const struct config_service *row,
			   const struct postfix_instance *instance, struct match *match)
{
	for (size_t i = 0; i < instance->service_count; i++) {
		const struct postfix_service *service = &instance->services[i];
		const unsigned fit = postfix_fit(row, instance, service);

		if (fit > match->fit)
			*match = (struct match){ instance, service, fit, NULL };
		else if (fit > 0 && fit == match->fit && !match->rival)
			match->rival = service;
	}
}

/* The smtpd that gets what postscreen lets through. */
static const struct postfix_service *behind_postscreen(const struct postfix_instance *instance,
						       const char *name)
{
	for (size_t i = 0; i < instance->service_count; i++) {
		const struct postfix_service *service = &instance->services[i];

		if (strcmp(service->type, "pass") == 0 && service->role == POSTFIX_SMTPD &&
		    strcmp(service->name, name) == 0)
			return service;
	}
	return NULL;
}

static int smtpd_find(struct config_loader *loader, const struct config_service *service,
		      struct postfix_row *row)
{
	const struct config_setting *name;
	struct config_scope *scope;
	int r;

	row->smtpd = row->owner;
	if (!row->owner || row->owner->role != POSTFIX_POSTSCREEN)
		return 0;
	scope = config_scope_new(loader->config->values, SCOPE_POSTFIX, row->instance, row->owner);
	if (!scope)
		return -ENOMEM;
	row->smtpd = NULL;
	r = config_scope_value(loader, scope, "smtpd_service_name", &name);
	if (r == 0)
		row->smtpd = behind_postscreen(row->instance, name->value.data);
	if (r == 0 && !row->smtpd)
		config_warning(loader, &row->owner->origin, "postfix_config_directory",
			       "%s: there is no service \"%s pass ... smtpd\" behind postscreen: "
			       "what main.cf says is taken; add \"%s pass - - n - - smtpd\"",
			       service->label, name->value.data, name->value.data);
	config_scope_free(scope);
	return r == -ENOMEM ? r : 0;
}

static const struct config_origin *ports_origin(const struct config_loader *loader)
{
	const struct config_parameter *parameter =
		config_parameter_find("protected_ports", strlen("protected_ports"));

	return &loader->config->values->settings[parameter - config_parameters].origin;
}

int postfix_rows_find(struct config_loader *loader)
{
	struct postfix *postfix = loader->config->values->postfix;
	int r = 0;

	for (size_t i = 0; i < loader->config->service_count && r == 0; i++) {
		const struct config_service *service = &loader->config->services[i];
		struct match match = { 0 };

		for (size_t j = 0; j < postfix->count; j++)
			match_instance(service, &postfix->instances[j], &match);
		postfix->rows[i] = (struct postfix_row){ match.instance, match.service, NULL };
		if (match.rival)
			config_warning(loader, ports_origin(loader), "protected_ports",
				       "%s: both %s:%u and %s:%u serve it, the limits of the first "
				       "are taken; write a row ADDRESS:%u for each",
				       service->label, match.service->origin.file,
				       match.service->origin.line, match.rival->origin.file,
				       match.rival->origin.line, service->port);
		r = smtpd_find(loader, service, &postfix->rows[i]);
	}
	return r;
}
