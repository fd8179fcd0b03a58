/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds for each protected port by Postfix' files. Where that differs from what holds in
 * general it becomes an override, as if the configuration file had one.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config_postfix.h"
#include "parse.h"

#define PROCESS_LIMIT "default_process_limit"

struct port {
	struct config_loader *loader;
	size_t index; /* of the service, and of the row */
	const struct postfix_row *row;
	struct config_scope *smtpd; /* what names mean to smtpd there */
	struct config_scope *owner; /* and to the service that owns the port */
};

static const struct config_parameter *parameter_of(const char *name)
{
	return config_parameter_find(name, strlen(name));
}

static const struct config_setting *general(const struct port *port,
					    const struct config_parameter *parameter)
{
	return &port->loader->config->values->settings[parameter - config_parameters];
}

/* An override of the configuration file for this port. */
static const struct config_setting *override_find(const struct port *port,
						  const struct config_parameter *parameter)
{
	const struct config_values *values = port->loader->config->values;

	for (size_t i = 0; i < values->override_count; i++) {
		const struct config_setting *override = &values->overrides[i];

		if (override->parameter == parameter && override->service == port->index)
			return override;
	}
	return NULL;
}

static int override_set(const struct port *port, const struct config_parameter *parameter,
			const char *text, const struct config_origin *origin)
{
	struct config *config = port->loader->config;
	struct config_setting *override;
	char name[256];

	(void)snprintf(name, sizeof(name), "%s:%s", config->services[port->index].label,
		       parameter->name);
	override = config_override_new(config->values, parameter, name);
	if (!override)
		return -ENOMEM;
	override->service = port->index;
	override->origin = *origin;
	override->state = CONFIG_EXPANDED;
	override->changed = true;
	return config_text_append(&override->value, text, strlen(text));
}

/* A number of Postfix' that no parameter of the table bounds. */
static bool number_of(const struct port *port, const struct config_setting *setting, long least,
		      long *ret_number)
{
	if (parse_long(setting->value.data, ret_number) == 0 && *ret_number >= least &&
	    *ret_number <= INT_MAX)
		return true;
	config_error(port->loader, &setting->origin, setting->parameter->name,
		     CONFIG_QUOTED ": a number from %ld on expected, Postfix refuses this",
		     config_quoted(setting->value.data, setting->value.size), least);
	return false;
}

/* maxproc, whose "-" is default_process_limit, as master(8) sees it: without any -o. */
static int process_limit(const struct port *port, const struct postfix_service *service,
			 long *ret_limit, struct config_origin *ret_origin)
{
	const struct config_setting *setting;
	struct config_scope *scope;
	int r;

	*ret_limit = service ? service->process_limit : POSTFIX_DEFAULT_LIMIT;
	if (*ret_limit != POSTFIX_DEFAULT_LIMIT) {
		*ret_origin = service->origin;
		return 0;
	}
	scope = config_scope_new(port->loader->config->values, SCOPE_POSTFIX, port->row->instance,
				 NULL);
	if (!scope)
		return -ENOMEM;
	r = config_scope_value(port->loader, scope, PROCESS_LIMIT, &setting);
	if (r == 0)
		*ret_origin = setting->origin;
	if (r == 0 && !number_of(port, setting, 1, ret_limit))
		r = -EINVAL;
	config_scope_free(scope);
	return r;
}

/* What postscreen holds beside what smtpd works on. */
static int add_waiting(const struct port *port, long *limit, struct config_origin *ret_origin)
{
	const struct config_setting *waiting;
	long number;
	int r = config_scope_value(port->loader, port->owner, "postscreen_pre_queue_limit",
				   &waiting);

	if (r < 0)
		return r;
	if (!number_of(port, waiting, 1, &number))
		return -EINVAL;
	*limit = *limit == 0 || number > INT_MAX - *limit ? 0 : *limit + number;
	*ret_origin = port->row->owner->origin;
	return 0;
}

static int process_limit_apply(const struct port *port)
{
	const struct config_parameter *parameter = parameter_of(PROCESS_LIMIT);
	const struct config_setting *base = general(port, parameter);
	struct config_origin origin = { 0 };
	char text[32];
	long limit;
	int r;

	if (base->origin.kind == CONFIG_FROM_FILE || override_find(port, parameter))
		return 0;
	r = process_limit(port, port->row->smtpd, &limit, &origin);
	if (r == 0 && port->row->owner->role == POSTFIX_POSTSCREEN)
		r = add_waiting(port, &limit, &origin);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	(void)snprintf(text, sizeof(text), "%ld", limit);
	if (strcmp(text, base->value.data) == 0)
		return 0;
	return override_set(port, parameter, text, &origin);
}

static int limit_apply(const struct port *port, const struct config_parameter *parameter)
{
	const struct config_setting *base = general(port, parameter);
	const struct config_setting *setting;
	int r;

	if (base->origin.kind == CONFIG_FROM_FILE || override_find(port, parameter))
		return 0;
	r = config_scope_value(port->loader, port->smtpd, parameter->name, &setting);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	if (base->failed || strcmp(setting->value.data, base->value.data) == 0)
		return 0;
	return override_set(port, parameter, setting->value.data, &setting->origin);
}

/* The default of the exceptions is $mynetworks, of which enough is said. */
static bool is_consequence(const struct config_setting *setting)
{
	return setting->origin.kind == CONFIG_FROM_DEFAULT && setting->parameter->preset[0] == '$';
}

/* What Postfix can set for one service and the packet path cannot. */
static int common_check(const struct port *port, const struct config_parameter *parameter)
{
	const struct config_setting *base = general(port, parameter);
	const struct config_setting *setting;
	int r;

	/* Each instance has a queue of its own. */
	if (base->origin.kind == CONFIG_FROM_FILE ||
	    strcmp(parameter->name, "queue_directory") == 0)
		return 0;
	r = config_scope_value(port->loader, port->smtpd, parameter->name, &setting);
	if (r == 0 && !base->failed && strcmp(setting->value.data, base->value.data) != 0 &&
	    strcmp(parameter->name, "anvil_rate_time_unit") != 0 && !is_consequence(setting))
		config_warning(port->loader, &setting->origin, parameter->name,
			       CONFIG_QUOTED " cannot hold for %s alone: " CONFIG_QUOTED
					     " holds for all ports; to choose, set it in %s",
			       config_quoted(setting->value.data, setting->value.size),
			       port->loader->config->services[port->index].label,
			       config_quoted(base->value.data, base->value.size),
			       port->loader->config->file);
	return r == -ENOMEM ? r : 0;
}

/* Behind a proxy, limits by the address on the wire hold only where the file asks for them at just
 * this port. */
static int proxy_limit(const struct port *port, const char *name,
		       const struct config_setting *proxy)
{
	const struct config_parameter *parameter = parameter_of(name);
	const struct config_setting *override = override_find(port, parameter);

	if (!override)
		return override_set(port, parameter, "0", &proxy->origin);
	if (strcmp(override->value.data, "0") != 0)
		config_warning(port->loader, &override->origin, override->name,
			       "the proxy protocol is taken there (%s:%u), so this limits the "
			       "proxies: exempt each of them in "
			       "smtpd_client_event_limit_exceptions",
			       config_origin_file(port->loader, &proxy->origin),
			       proxy->origin.line);
	return 0;
}

static int proxy_apply(const struct port *port)
{
	struct config_service *service = &port->loader->config->services[port->index];
	const bool screened = port->row->owner->role == POSTFIX_POSTSCREEN;
	const char *name =
		screened ? "postscreen_upstream_proxy_protocol" : "smtpd_upstream_proxy_protocol";
	const struct config_setting *proxy;
	int r = config_scope_value(port->loader, port->owner, name, &proxy);

	if (r < 0)
		return r == -EINVAL ? 0 : r;
	if (proxy->value.size == 0)
		return 0;
	if (postfix_proxies_exempt(port->loader))
		return 0;
	service->behind_proxy = true;
	if (!override_find(port, parameter_of("smtpd_client_connection_rate_limit")))
		config_warning(
			port->loader, &proxy->origin, name,
			"%s: packets come from proxies there, so limits of rate and concurrency "
			"and "
			"blocks by the policy service are off; to limit whoever else connects, "
			"name "
			"the proxies in upstream_proxies in %s and exempt them",
			service->label, port->loader->config->file);
	r = proxy_limit(port, "smtpd_client_connection_rate_limit", proxy);
	return r < 0 ? r : proxy_limit(port, "smtpd_client_connection_count_limit", proxy);
}

static int port_apply(const struct port *port)
{
	/* First: what a proxy forbids leaves nothing to override. */
	int r = proxy_apply(port);

	for (size_t i = 0; i < config_parameter_count && r == 0; i++) {
		const struct config_parameter *parameter = &config_parameters[i];

		if (!parameter->in_postfix || parameter == parameter_of(PROCESS_LIMIT))
			continue;
		r = parameter->per_service ? limit_apply(port, parameter)
					   : common_check(port, parameter);
	}
	return r == 0 ? process_limit_apply(port) : r;
}

int config_postfix_apply(struct config_loader *loader)
{
	const struct postfix *postfix = loader->config->values->postfix;
	struct config_values *values = loader->config->values;
	int r = 0;

	if (!postfix)
		return 0;
	r = postfix_rows_find(loader);
	for (size_t i = 0; i < loader->config->service_count && r == 0; i++) {
		struct port port = { .loader = loader, .index = i, .row = &postfix->rows[i] };

		if (!port.row->owner || config_hopeless(loader))
			continue;
		port.smtpd = config_scope_new(values, SCOPE_FILE_FIRST, port.row->instance,
					      port.row->smtpd);
		port.owner = config_scope_new(values, SCOPE_POSTFIX, port.row->instance,
					      port.row->owner);
		r = port.smtpd && port.owner ? port_apply(&port) : -ENOMEM;
		config_scope_free(port.smtpd);
		config_scope_free(port.owner);
	}
	return r;
}
